"""What every engine on an SQL database shares: statements, mutations, rows. It imports none of these engines."""
