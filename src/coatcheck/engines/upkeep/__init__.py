"""What keeps a data directory for years: backup, restore, check and scrub. Each works beside a running server."""
