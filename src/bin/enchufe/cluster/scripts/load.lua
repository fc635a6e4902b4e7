-- What a server begins with: the epoch, how far the log has got, and the last snapshot with its place in the log.
local id = redis.call('HGET', META, 'id')
return { epoch, seq, id or '', redis.call('GET', SNAPSHOT) or '' }
