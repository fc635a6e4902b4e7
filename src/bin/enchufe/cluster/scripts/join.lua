-- A server comes: it gets a number of its own, which is never used again in this epoch.
-- Returns the epoch, the number, and how far the log has got.
if not epoch then
  -- Nothing is here, or not all of it any more.
  redis.call('DEL', LOG, LEASES, NAMES, DONE, SNAPSHOT, META)
  epoch, seq = whole(now), 0
  redis.call('HSET', META, 'epoch', epoch, 'at', whole(now))
end
sweep()
keep_seq()
local server = redis.call('HINCRBY', META, 'servers', 1)
redis.call('ZADD', LEASES, whole(now + lease), server)
return { epoch, server, seq }
