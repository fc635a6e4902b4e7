-- Redis has lost a part of what it had: from here on it is another log, and every server has to begin anew.
-- ARGV: lease, the epoch that was, 1 if what is left makes no sense.
if epoch ~= ARGV[2] then
  return 0
end
epoch = whole(math.max(now, tonumber(epoch) + 1))
if ARGV[3] == '1' then
  redis.call('DEL', LOG, NAMES, SNAPSHOT)
  redis.call('HDEL', META, 'snapshot', 'id', 'rows')
  seq = 0
end
bury(redis.call('ZRANGE', LEASES, 0, -1))
redis.call('HSET', META, 'epoch', epoch)
keep_seq()
return 1
