"""What the link of a processed picture asks for, as a value, and sizes by arithmetic. No pixel is touched here."""
