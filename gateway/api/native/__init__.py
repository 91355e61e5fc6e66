"""The providers' own APIs, passed through as they are."""
