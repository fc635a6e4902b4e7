-- Returns the epoch, the last sequence number, and the last snapshot with its position.
local id = redis.call('HGET', META, 'id')
return { epoch, seq, id or '', redis.call('GET', SNAPSHOT) or '' }
