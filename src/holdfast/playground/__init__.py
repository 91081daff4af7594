"""A practice copy of the project: its own origin, DVC remote and environment, with no way back to the original."""
