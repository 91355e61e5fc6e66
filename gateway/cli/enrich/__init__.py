"""`prospect enrich`: a whole CSV file through one operation, resumable."""
