"""A simulated world and the four providers' HTTP dialects, written from their documents alone."""
