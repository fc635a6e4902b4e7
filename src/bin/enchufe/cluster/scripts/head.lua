-- What every script begins with: the clock, leases that did not run while Redis stood still, and the words they share.
-- KEYS: meta, log, leases, names, done, snapshot. ARGV[1]: the lease in milliseconds.
local META, LOG, LEASES, NAMES, DONE, SNAPSHOT = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local function whole(number)
  return string.format('%.0f', number)
end

local lease = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('HGET', META, 'epoch')
local seq = tonumber(redis.call('HGET', META, 'seq') or '0')

-- Every server runs a script each third of a lease. If none ran for longer than half of one, it was Redis that stood still
-- (or its clock was moved), and nobody could renew: every lease moves along.
local gap = now - tonumber(redis.call('HGET', META, 'at') or now)
if gap > lease / 2 or gap < 0 then
  local leases = redis.call('ZRANGE', LEASES, 0, -1, 'WITHSCORES')
  for i = 1, #leases, 2 do
    redis.call('ZADD', LEASES, whole(leases[i + 1] + gap), leases[i])
  end
end
redis.call('HSET', META, 'at', whole(now))

-- Gives an entry the next place in the order.
local bytes = 0
local function append(by, number, who, what)
  seq = seq + 1
  bytes = bytes + #who + #what
  redis.call('XADD', LOG, epoch .. '-' .. whole(seq),
    'at', whole(now), 'by', by, 'no', number, 'who', who, 'what', what)
end

-- The users of these servers leave. An entry that says nothing says that.
local function bury(servers)
  local dead = {}
  for _, server in ipairs(servers) do
    dead[server] = true
    redis.call('ZREM', LEASES, server)
    redis.call('HDEL', DONE, server)
  end
  local names = redis.call('HGETALL', NAMES)
  for i = 1, #names, 2 do
    local server = string.match(names[i + 1], '^%d+')
    if dead[server] then
      redis.call('HDEL', NAMES, names[i])
      append(server, '0', names[i], '')
    end
  end
end

-- Buries those whose lease has run out.
local function sweep()
  local expired = redis.call('ZRANGEBYSCORE', LEASES, '-inf', whole(now))
  if #expired > 0 then
    bury(expired)
  end
end

local function keep_seq()
  redis.call('HSET', META, 'seq', whole(seq))
  redis.call('HINCRBY', META, 'bytes', bytes)
end
