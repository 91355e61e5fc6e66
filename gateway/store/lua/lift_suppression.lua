-- uses: suppression
-- Takes an objection back. ARGV: its id. 0 if there is none.
return lift(KEYS[1], ARGV[1])
