"""HTTP in and out, as values: connections, parsing, addresses, forms, faults. No storage, no secret, no decision."""
