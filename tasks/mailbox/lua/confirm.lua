-- Right before the action: is the outbox still this worker's? Whoever waited, or slept, may have lost it meanwhile.
-- And have people taken the conversation meanwhile? ARGV: conversation, token, lease, how long a try stays in doubt
-- from now on.
if field('stage') ~= 'replying' or field('token') ~= ARGV[2] then return {'lost'} end
set('doubt_until', now + tonumber(ARGV[4]))
watch_until(now + tonumber(ARGV[3]))
return {'held', is_silenced()}
