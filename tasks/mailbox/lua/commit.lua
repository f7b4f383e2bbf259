-- The turn has been thought: its messages leave the mailbox in the same step in which what it wants is recorded.
-- ARGV: conversation, token, bell, grace, dead letter's id or '', dead letter, the turn's name if its graph waits for what
-- people decide or '', what to do in Chatwoot...
local token, bell, grace = ARGV[2], ARGV[3], tonumber(ARGV[4])

if field('stage') ~= 'thinking' or field('token') ~= token then return {'lost', 0} end
for id in string.gmatch(field('told'), '%d+') do redis.call('ZREMRANGEBYSCORE', meanwhile, id, id) end
for id in string.gmatch(field('batch'), '%d+') do
  -- People were quicker: the customer has not been answered, and will be if they give the conversation back so.
  if field('with_people') == '1' then
    for _, message in ipairs(redis.call('ZRANGEBYSCORE', waiting, id, id)) do remember(id, message) end
  end
  redis.call('ZREMRANGEBYSCORE', waiting, id, id)
end
set('batch', '', 'attempts', 0, 'resume', '', 'awaits', ARGV[7])
for i = 8, #ARGV do redis.call('RPUSH', outbox, ARGV[i]) end
bury(ARGV[5], ARGV[6])
local next = go_on(bell, grace)
keep()
return next
