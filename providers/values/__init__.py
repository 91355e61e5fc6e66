"""How providers write dates, numbers, places and names, and how we do."""
