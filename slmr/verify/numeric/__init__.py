"""The numeric checker: one number."""
