-- Renews the lease of a server, and executes a batch of operations: all or none, and once even if it is repeated.
-- ARGV: lease, epoch, server, number of the first operation, entries and bytes between snapshots, then kind, name, claim and
-- content of each operation.
-- Returns 'ok', the last sequence number, a letter for each operation, the time until the next lease expires, and 1 if this
-- server should write a snapshot; or 'epoch' if the log has another epoch; or 'fenced' if the lease has expired.
-- Letters: o for done, t for a name that is taken, l for a claim that was lost.
local server, first = ARGV[3], tonumber(ARGV[4])
if epoch ~= ARGV[2] then
  return { 'epoch' }
end
remove_expired()
if not redis.call('ZSCORE', LEASES, server) then
  save_seq()
  return { 'fenced' }
end
redis.call('ZADD', LEASES, to_integer(now + lease), server)

local function claim(name, owner)
  if redis.call('HEXISTS', NAMES, name) == 1 then
    return 't'
  end
  redis.call('HSET', NAMES, name, owner)
  return 'o'
end

local function append_as(name, owner, number, content, release)
  if redis.call('HGET', NAMES, name) ~= owner then
    return 'l'
  end
  if release then
    redis.call('HDEL', NAMES, name)
  end
  if content ~= '' then
    append(server, number, name, content)
  end
  return 'o'
end

local results = ''
local count = (#ARGV - 6) / 4
if count > 0 then
  local last = to_integer(first + count - 1)
  local done, answer = string.match(redis.call('HGET', DONE, server) or '0:', '^(%d+):(.*)$')
  if first > tonumber(done) then
    local letters = {}
    for i = 1, count do
      local at = 3 + 4 * i
      local kind, name, content = ARGV[at], ARGV[at + 1], ARGV[at + 3]
      local owner, number = server .. ':' .. ARGV[at + 2], to_integer(first + i - 1)
      if kind == 'claim' then
        letters[i] = claim(name, owner)
      elseif kind == 'post' then
        append(server, number, '', content)
        letters[i] = 'o'
      else
        letters[i] = append_as(name, owner, number, content, kind == 'release')
      end
    end
    results = table.concat(letters)
    redis.call('HSET', DONE, server, last .. ':' .. results)
  elseif last == done then
    results = answer
  else
    -- An old batch from a closed connection.
    return { 'stale' }
  end
end
save_seq()

-- A snapshot is due when the log after the last one is as large as that one, and not smaller than the minimum.
local snapshot = redis.call('HMGET', META, 'snapshot', 'rows', 'bytes', 'snapping')
local due = 0
local new_entries = seq - tonumber(snapshot[1] or '0')
local has_many_entries = new_entries >= math.max(tonumber(ARGV[5]), tonumber(snapshot[2] or '0'))
local large = tonumber(snapshot[3] or '0') >= math.max(tonumber(ARGV[6]), redis.call('STRLEN', SNAPSHOT))
if (has_many_entries or large) and now >= tonumber(snapshot[4] or '0') then
  redis.call('HSET', META, 'snapping', to_integer(now + 3 * lease))
  due = 1
end
local next_lease = redis.call('ZRANGE', LEASES, 0, 0, 'WITHSCORES')
return { 'ok', seq, results, next_lease[2] - now, due }
