"""What SelectObject asks, and its answer from bytes that come piece by piece: SQL of OSS's subset, CSV and JSON. Pure:
nothing here waits, reads a clock, or knows who asks. Engines run it in a process of its own."""
