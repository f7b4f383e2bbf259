-- The holder gives the stage back, to be taken up again after a while. ARGV: conversation, token, delay, grace,
-- 1 if what it tried may still come true, 1 if it does not count as an attempt, 1 if what its graph needs is away, 1 if it
-- took too long.
local token, delay, grace = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if field('token') ~= token or token == '' then return {'lost'} end
set('token', '', 'not_before', now + delay)
if ARGV[7] == '1' and field('away_since') == '' then set('away_since', now) end
if ARGV[8] == '1' then redis.call('HINCRBY', state, 'overran', 1) end
if ARGV[6] == '1' then redis.call('HINCRBY', state, 'attempts', -1) end
-- Whoever was in doubt has only looked, not posted: that the look failed ends no doubt.
if number('still_in_doubt') == 0 then set('doubt_until', ARGV[5] == '1' and UNANSWERED or 0) end
watch_until(now + delay + grace)
if field('stage') == 'replying' then return {'send'} end
set('stage', 'queued', 'quiet_until', now + delay)
return {'ring', field('bell')}
