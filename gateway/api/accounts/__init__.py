"""What the accounts at the providers keep: one route each, whoever the provider is."""
