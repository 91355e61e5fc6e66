-- Writes the campaign events of a provider's message to the outbox, for each of the teams that has
-- endpoints; once for each message, however often it is sent. Returns 0 for a repeated one.
-- ARGV: credential, mark of the message, remembered for ms, sealed message, messages kept, kept for
-- ms, number of events, the events, the teams.
local root, keep, number = KEYS[1], tonumber(ARGV[6]), tonumber(ARGV[7])
if not redis.call('SET', root .. 'noticed:' .. ARGV[2], 1, 'NX', 'PX', ARGV[3]) then return 0 end
local messages = root .. 'notices:' .. ARGV[1]
local id = redis.call('XADD', messages, 'MAXLEN', '~', ARGV[5], '*', 'sealed', ARGV[4])
local oldest = string.format('%.0f', tonumber(string.match(id, '%d+')) - keep)
redis.call('XTRIM', messages, 'MINID', '=', oldest)
redis.call('PEXPIRE', messages, keep)
for at = 8 + number, #ARGV do
  local team = ARGV[at]
  if redis.call('EXISTS', root .. 'endpoints:of:' .. team) == 1 then
    for event = 8, 7 + number do
      redis.call('XADD', root .. 'outbox', 'MAXLEN', '~', 100000, '*', 'event', 'campaign.event',
        'team', team, 'data', ARGV[event])
    end
  end
end
return 1
