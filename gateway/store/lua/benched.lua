-- The accounts out of use, and the time by which they are to be read.
return { now_ms(), redis.call('HGETALL', KEYS[1]) }
