"""What a caller may do: pure decisions from facts. No request, no lookup, no clock; `decide` alone makes Grants."""
