"""The catalog, identities and links in a PostgreSQL database, which any number of gateways share. No bytes of blobs."""
