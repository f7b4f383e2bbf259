-- A worker wants to send. ARGV: conversation, token, lease, how long a try may come true after Chatwoot has answered.
-- The try is counted before the action: who comes second knows that there was a first. It also learns for how long the
-- first may still come true: Chatwoot goes on storing a message after the connection has broken.
local token, lease, doubt = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if field('stage') ~= 'replying' then return {'nothing'} end
local holder = field('token')
if holder ~= token then
  local deadline = tonumber(redis.call('ZSCORE', due, conversation)) or 0
  if holder ~= '' and deadline > now then return {'nothing'} end
  if number('not_before') > now then return {'nothing'} end
  redis.call('HINCRBY', state, 'tries', 1)
  local left = math.max(0, number('doubt_until') - now)
  if number('doubt_until') == UNANSWERED then left = doubt end
  set('token', token, 'rings', 0, 'still_in_doubt', left, 'awaits_arrival', 0)
end
watch_until(now + lease)
local told = head()
told[10], told[11] = number('tries'), number('still_in_doubt')
told[12] = field('asked_at') ~= '' and now - number('asked_at') or -1
return told
