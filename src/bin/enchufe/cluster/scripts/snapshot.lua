-- Keeps a snapshot, and lets go of the log up to the one before it: who lags a little finds all it needs.
-- ARGV: lease, epoch, sequence number and id of the entry up to which it goes, its rows, itself.
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
