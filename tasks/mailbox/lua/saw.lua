-- Chatwoot has told us of a message of ours. ARGV: conversation, key.
redis.call('ZADD', seen, now, 'sent:' .. ARGV[2])
keep()
return {'seen'}
