"""A practice copy of the project: its own origin, DVC remote and environment; what is done in it stays in it."""
