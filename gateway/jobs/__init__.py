"""Lookups that outlive their exchange."""
