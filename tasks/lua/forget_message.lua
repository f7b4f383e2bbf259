-- A message was deleted in Chatwoot: it is not answered any more, and leaves the memory. ARGV: conversation, message id,
-- a word about it for the memory.
local id = ARGV[2]
redis.call('ZREMRANGEBYSCORE', waiting, id, id)
redis.call('ZREMRANGEBYSCORE', meanwhile, id, id)
remember(id, ARGV[3])
keep()
return {'gone'}
