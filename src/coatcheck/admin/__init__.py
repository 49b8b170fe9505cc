"""What the admin listener answers: metrics, health, version. Never on the objects' port."""
