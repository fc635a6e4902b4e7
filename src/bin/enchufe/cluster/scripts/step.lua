-- A server renews its lease and has its operations carried out, all or none, and once however often it asks.
-- ARGV: lease, epoch, server, number of the first operation, how many entries and bytes between snapshots, then for each
-- operation its kind, name, claim and content.
-- Returns 'ok', how far the log has got, a letter for each operation, when the next lease runs out, and 1 if this server is
-- to take a snapshot; or 'epoch' if this is not the log it was; or 'fenced' if the server counts as gone.
local server, first = ARGV[3], tonumber(ARGV[4])
if epoch ~= ARGV[2] then
  return { 'epoch' }
end
sweep()
if not redis.call('ZSCORE', LEASES, server) then
  keep_seq()
  return { 'fenced' }
end
redis.call('ZADD', LEASES, whole(now + lease), server)

local function claim(name, owner)
  if redis.call('HEXISTS', NAMES, name) == 1 then
    return 't'
  end
  redis.call('HSET', NAMES, name, owner)
  return 'o'
end

local function tell(name, owner, number, what, release)
  if redis.call('HGET', NAMES, name) ~= owner then
    return 'l'
  end
  if release then
    redis.call('HDEL', NAMES, name)
  end
  if what ~= '' then
    append(server, number, name, what)
  end
  return 'o'
end

local results = ''
local count = (#ARGV - 6) / 4
if count > 0 then
  local last = whole(first + count - 1)
  local done, answer = string.match(redis.call('HGET', DONE, server) or '0:', '^(%d+):(.*)$')
  if first > tonumber(done) then
    local letters = {}
    for i = 1, count do
      local at = 3 + 4 * i
      local kind, name, what = ARGV[at], ARGV[at + 1], ARGV[at + 3]
      local owner, number = server .. ':' .. ARGV[at + 2], whole(first + i - 1)
      if kind == 'claim' then
        letters[i] = claim(name, owner)
      elseif kind == 'post' then
        append(server, number, '', what)
        letters[i] = 'o'
      else
        letters[i] = tell(name, owner, number, what, kind == 'release')
      end
    end
    results = table.concat(letters)
    redis.call('HSET', DONE, server, last .. ':' .. results)
  elseif last == done then
    results = answer
  else
    -- An old question, from a connection that nobody reads any more.
    return { 'stale' }
  end
end
keep_seq()

-- A snapshot is due when as much has come since the last as that has, and no less than is worth while.
local snapshot = redis.call('HMGET', META, 'snapshot', 'rows', 'bytes', 'snapping')
local due = 0
local come = seq - tonumber(snapshot[1] or '0')
local many = come >= math.max(tonumber(ARGV[5]), tonumber(snapshot[2] or '0'))
local large = tonumber(snapshot[3] or '0') >= math.max(tonumber(ARGV[6]), redis.call('STRLEN', SNAPSHOT))
if (many or large) and now >= tonumber(snapshot[4] or '0') then
  redis.call('HSET', META, 'snapping', whole(now + 3 * lease))
  due = 1
end
local next_lease = redis.call('ZRANGE', LEASES, 0, 0, 'WITHSCORES')
return { 'ok', seq, results, next_lease[2] - now, due }
