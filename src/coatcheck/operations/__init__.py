"""What is done, on values: no HTTP, no XML, no dialect's names. Dialects stand on it; it knows none of them."""
