"""Holdfast: a pipeline for tabular data that rebuilds, compares and serves models honestly."""
