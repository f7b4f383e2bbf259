-- The holder must not do the action yet, and has tried nothing: all is as before it took it. ARGV: conversation, token,
-- delay, grace, id of the message that it waits for to arrive, or 0: then it may be done as soon as that has.
local token, delay, grace, awaited = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

if field('stage') ~= 'replying' or token == '' or field('token') ~= token then return {'lost'} end
if awaited > 0 and awaited <= number('arrived') then awaited, delay = 0, 0 end
redis.call('HINCRBY', state, 'tries', -1)
set('token', '', 'not_before', now + delay, 'awaits_arrival', awaited)
if number('still_in_doubt') == 0 then set('doubt_until', 0) end
watch_until(now + delay + grace)
return {'send', delay}
