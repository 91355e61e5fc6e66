"""Credentials of providers and keys of callers."""
