"""The choice checker: one letter."""
