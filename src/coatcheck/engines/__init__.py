"""What keeps the promises of ports: memory, files and SQLite, pictures, notices. Stores are named here alone."""
