"""What a lookup costs, who may pay it, and the entries that prove it."""
