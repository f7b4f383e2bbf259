-- Chatwoot was asked for an earlier try of the head, and does not show it: the holder gives the outbox back until it
-- cannot come any more. The time for that begins when Chatwoot has first answered after the try, not with the try: what
-- it was sent while it was frozen it begins only when it thaws. ARGV: conversation, token, how long from then on, grace.
local token, doubt, grace = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])

if field('stage') ~= 'replying' or token == '' or field('token') ~= token then return {'lost'} end
if number('doubt_until') == UNANSWERED then set('doubt_until', now + doubt) end
local delay = math.max(0, number('doubt_until') - now)
set('token', '', 'not_before', now + delay)
watch_until(now + delay + grace)
return {'send', delay}
