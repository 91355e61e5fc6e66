-- Prolongs the lease of a running job.
-- ARGV: id, lease ms.
redis.call('ZADD', KEYS[1] .. 'jobs:running', 'XX', now_ms() + tonumber(ARGV[2]), ARGV[1])
return 1
