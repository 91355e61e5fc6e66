"""What an account keeps at its provider, in the same words for every provider."""
