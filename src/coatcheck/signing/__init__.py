"""The arithmetic of signatures, both ways: what is signed, and whether it was. Nothing is looked up here."""
