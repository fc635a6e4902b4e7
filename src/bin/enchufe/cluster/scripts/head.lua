-- Common start of all scripts: reads the clock, extends leases after an outage, and defines shared functions.
-- KEYS: meta, log, leases, names, done, snapshot. ARGV[1]: the lease in milliseconds.
local META, LOG, LEASES, NAMES, DONE, SNAPSHOT = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]

local function to_integer(number)
  return string.format('%.0f', number)
end

local lease = tonumber(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local epoch = redis.call('HGET', META, 'epoch')
local seq = tonumber(redis.call('HGET', META, 'seq') or '0')

-- Every server runs a script three times per lease. If none ran for more than half a lease, Redis was down or its clock was
-- changed, so no server could renew: extend all leases.
local gap = now - tonumber(redis.call('HGET', META, 'at') or now)
if gap > lease / 2 or gap < 0 then
  local leases = redis.call('ZRANGE', LEASES, 0, -1, 'WITHSCORES')
  for i = 1, #leases, 2 do
    redis.call('ZADD', LEASES, to_integer(leases[i + 1] + gap), leases[i])
  end
end
redis.call('HSET', META, 'at', to_integer(now))

-- Appends an entry to the log.
local bytes = 0
local function append(server, number, name, content)
  seq = seq + 1
  bytes = bytes + #name + #content
  redis.call('XADD', LOG, epoch .. '-' .. to_integer(seq),
    'at', to_integer(now), 'by', server, 'no', number, 'who', name, 'what', content)
end

-- Removes servers and releases their names. An entry without content means that the user of the name leaves.
local function remove_servers(servers)
  local removed = {}
  for _, server in ipairs(servers) do
    removed[server] = true
    redis.call('ZREM', LEASES, server)
    redis.call('HDEL', DONE, server)
  end
  local names = redis.call('HGETALL', NAMES)
  for i = 1, #names, 2 do
    local server = string.match(names[i + 1], '^%d+')
    if removed[server] then
      redis.call('HDEL', NAMES, names[i])
      append(server, '0', names[i], '')
    end
  end
end

-- Removes servers whose lease has expired.
local function remove_expired()
  local expired = redis.call('ZRANGEBYSCORE', LEASES, '-inf', to_integer(now))
  if #expired > 0 then
    remove_servers(expired)
  end
end

local function save_seq()
  redis.call('HSET', META, 'seq', to_integer(seq))
  redis.call('HINCRBY', META, 'bytes', bytes)
end
