"""The arithmetic of signatures, both ways: what is signed, and whether it was. No lookup; no clock but a signer's own."""
