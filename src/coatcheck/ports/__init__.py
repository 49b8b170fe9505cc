"""What we need from outside, as contracts in prose, and the values that cross. No engine is named here."""
