-- What was at the head of the outbox is done, or given up. ARGV: conversation, token, bell, grace, lease,
-- dead letter's id or '', dead letter, what to do besides...
local token, bell, grace, lease = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

if field('stage') ~= 'replying' or field('token') ~= token then return {'lost', 0} end
redis.call('LPOP', outbox)
for i = 8, #ARGV do redis.call('RPUSH', outbox, ARGV[i]) end
bury(ARGV[6], ARGV[7])
keep()
if redis.call('LLEN', outbox) == 0 then return go_on(bell, grace) end
set('tries', 1, 'not_before', 0)
watch_until(now + lease)
return {'send', redis.call('LINDEX', outbox, 0)}
