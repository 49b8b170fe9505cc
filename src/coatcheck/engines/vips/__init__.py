"""Pictures through libvips. Everything here runs in render processes, never in the server's own: see `process.py`."""
