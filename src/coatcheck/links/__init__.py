"""What a link may still do once it is out of its signer's hands: pure arithmetic and decisions. No store, no clock."""
