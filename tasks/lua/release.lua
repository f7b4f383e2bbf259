-- The holder gives the stage back, to be taken up again after a while. ARGV: conversation, token, delay, grace,
-- "decided" where nothing that it tried may still come true.
local token, delay, grace = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if field('token') ~= token or token == '' then return {'lost'} end
set('token', '', 'not_before', now + delay)
if ARGV[5] == 'decided' then set('doubt_until', 0) end
watch_until(now + delay + grace)
if field('stage') == 'replying' then return {'send'} end
set('stage', 'queued', 'quiet_until', now + delay)
return {'ring', field('bell')}
