-- uses: admission
return reply(admit(cmsgpack.unpack(ARGV[1])))
