-- Stores a snapshot, and trims the log up to the previous one, so that servers that lag a little find all entries.
-- ARGV: lease, epoch, sequence number and id of the last entry in the snapshot, number of rows, snapshot.
local before = redis.call('HMGET', META, 'snapshot', 'id')
if epoch ~= ARGV[2] or tonumber(ARGV[3]) <= tonumber(before[1] or '0') then
  return 0
end
if before[2] then
  redis.call('XTRIM', LOG, 'MINID', before[2])
end
redis.call('SET', SNAPSHOT, ARGV[6])
redis.call('HSET', META, 'snapshot', ARGV[3], 'id', ARGV[4], 'rows', ARGV[5], 'bytes', '0', 'snapping', '0')
return 1
