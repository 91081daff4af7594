"""Holdfast: a reproducible pipeline for tabular data on Git and DVC."""
