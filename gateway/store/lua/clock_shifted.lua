local function now_ms()
  local time = redis.call('TIME')
  local offset = tonumber(redis.call('GET', '{pgw}:clock_offset') or 0)
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) + offset
end
