"""What is counted: one table of metrics, cells of shared memory for them, and the listener that counts requests."""
