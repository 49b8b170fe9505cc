"""The S3 dialect: what it reads, what it answers."""
