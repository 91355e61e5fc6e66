"""One gateway in front of every prospecting provider a company pays for."""
