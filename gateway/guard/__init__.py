"""What must not be asked, whoever pays."""
