"""Words that every room shares: errors, limits, names, times, digests, small documents. No I/O."""
