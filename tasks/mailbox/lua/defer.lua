-- The holder must not do the action yet, and has tried nothing: all is as before it took it. ARGV: conversation, token,
-- delay, grace.
local token, delay, grace = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if field('stage') ~= 'replying' or token == '' or field('token') ~= token then return {'lost'} end
redis.call('HINCRBY', state, 'tries', -1)
set('token', '', 'not_before', now + delay)
if number('still_in_doubt') == 0 then set('doubt_until', 0) end
watch_until(now + delay + grace)
return {'send'}
