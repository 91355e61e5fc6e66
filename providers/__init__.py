"""Adapters of the prospecting providers, in one vocabulary."""
