"""Moving a whole store to other engines and back: rows table by table, blobs one by one. Serves no request."""
