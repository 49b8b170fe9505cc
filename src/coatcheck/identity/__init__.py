"""Who asks: a claim, the key it names, and the caller that a verified signature makes of both. Not what they may do."""
