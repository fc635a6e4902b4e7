-- Adds a server. Its number is never used again in this epoch.
-- Returns the epoch, the number, and the last sequence number.
if not epoch then
  -- Redis is empty, or has lost data.
  redis.call('DEL', LOG, LEASES, NAMES, DONE, SNAPSHOT, META)
  epoch, seq = to_integer(now), 0
  redis.call('HSET', META, 'epoch', epoch, 'at', to_integer(now))
end
remove_expired()
save_seq()
local server = redis.call('HINCRBY', META, 'servers', 1)
redis.call('ZADD', LEASES, to_integer(now + lease), server)
return { epoch, server, seq }
