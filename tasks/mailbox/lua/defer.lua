-- The holder must not do the action yet, and has tried nothing: all is as before it took it. ARGV: conversation, token,
-- delay, grace.
local token, delay, grace = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if field('stage') ~= 'replying' or token == '' or field('token') ~= token then return {'lost'} end
redis.call('HINCRBY', state, 'tries', -1)
local doubt = number('still_in_doubt')
set('token', '', 'not_before', now + delay, 'doubt_until', doubt > 0 and now + doubt or 0)
watch_until(now + delay + grace)
return {'send'}
