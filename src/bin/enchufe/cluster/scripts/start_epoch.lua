-- Starts a new epoch after Redis has lost data: every server has to reload its state and join again.
-- ARGV: lease, current epoch, 1 to delete the log and the snapshot.
if epoch ~= ARGV[2] then
  return 0
end
epoch = to_integer(math.max(now, tonumber(epoch) + 1))
if ARGV[3] == '1' then
  redis.call('DEL', LOG, NAMES, SNAPSHOT)
  redis.call('HDEL', META, 'snapshot', 'id', 'rows')
  seq = 0
end
remove_servers(redis.call('ZRANGE', LEASES, 0, -1))
redis.call('HSET', META, 'epoch', epoch)
save_seq()
return 1
