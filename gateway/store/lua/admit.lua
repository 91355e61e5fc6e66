-- uses: moves pace breaker suppression admission
local a = cmsgpack.unpack(ARGV[1])
return reply(admit(a), a.root)
