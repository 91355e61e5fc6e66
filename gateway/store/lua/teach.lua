-- uses: learn
-- Learns from what no call of a waterfall tells. ARGV: the lessons.
for _, lesson in ipairs(cmsgpack.unpack(ARGV[1])) do learn(KEYS[1], lesson) end
return 1
