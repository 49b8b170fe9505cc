"""The catalog, the keyring, identities and domains in one SQLite file. SQL stands here and nowhere else."""
