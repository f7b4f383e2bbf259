-- What is not to be answered comes in, once, for the bot to know: 'customers', 'note' (the team's, only for a graph that
-- waits for what people decide), 'others' (neither the customer's, nor a person's, nor ours). ARGV: conversation, message
-- id, message, whose it is.
local id, message, whose = ARGV[2], ARGV[3], ARGV[4]
local is_new
if whose == 'note' then
  is_new = hear_note(id, message)
elseif whose == 'others' then
  is_new = remember_word(id, message)
  redis.call('ZADD', seen, now, 'echo:' .. id) -- in Chatwoot's list a campaign's looks like a person's
else
  is_new = see_message(id)
  if is_new then remember(id, message) end
end
if not is_new then return {'seen'} end
keep()
return {'known'}
