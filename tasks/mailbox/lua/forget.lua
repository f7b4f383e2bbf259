-- Forget the conversation. Whoever holds its turn or outbox loses it. ARGV: conversation, 'all', or 'content' to keep
-- its dead letters, but not what people wrote in them.
local kept = ARGV[2] == 'content'
local letters = 0
for _, id in ipairs(redis.call('HKEYS', dead_letters)) do
  if string.sub(id, 1, #conversation + 1) == conversation .. '.' then
    letters = letters + 1
    if kept then
      local letter = cjson.decode(redis.call('HGET', dead_letters, id))
      letter.content = ''
      keep_dead_letter(id, cjson.encode(letter))
    else
      redis.call('HDEL', dead_letters, id)
    end
  end
end
local messages = redis.call('ZCARD', waiting)
for _, message in ipairs(redis.call('ZRANGE', meanwhile, 0, -1)) do
  if decoded(message)['by'] ~= 'sent' then messages = messages + 1 end
end
local actions = redis.call('LLEN', outbox) + redis.call('ZCARD', later)
local found = {'forgotten', messages, actions, redis.call('ZCARD', seen), letters}
redis.call('DEL', state, waiting, outbox, seen, meanwhile, later, acts)
redis.call('ZREM', due, conversation)
redis.call('ZREM', unanswered, conversation)
return found
