-- A dead letter is to be tried again: it leaves the dead letters in the step in which it is queued. Whoever asks for an
-- answer gives the conversation back to the bot. ARGV: conversation, id, "messages" or "action", bell, grace, then ids
-- and messages in turn, or the action.
local id, kind, bell, grace = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5])

if redis.call('HDEL', dead_letters, id) == 0 then return {'gone', 0} end
if kind == 'messages' then
  learn({by_hand = true})
  if not ARGV[6] and field('awaits') ~= '' then set('resume', '1') end
  for i = 6, #ARGV, 2 do
    redis.call('ZADD', seen, now, 'message:' .. ARGV[i])
    redis.call('ZREMRANGEBYSCORE', meanwhile, ARGV[i], ARGV[i])
    redis.call('ZADD', waiting, ARGV[i], ARGV[i + 1])
  end
else
  redis.call('RPUSH', outbox, ARGV[6])
end
keep()
local stage = field('stage')
if stage == 'thinking' or stage == 'replying' then return {'queued', 0} end
return go_on(bell, grace)
