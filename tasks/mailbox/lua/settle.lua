-- What was at the head of the outbox is done, or given up. ARGV: conversation, token, bell, grace, lease, how many were
-- settled before it, dead letter's id or '', dead letter, whether a turn's answer was 'posted' or
-- 'suppressed' by it or '', id of the public message that was made or 0, that message for the bot to know or '', what to
-- do besides...
-- Settled twice, it is settled once.
local token, bell, grace, lease = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

if field('stage') ~= 'replying' or field('token') ~= token then return {'lost', 0} end
if number('settled') == tonumber(ARGV[6]) then
  redis.call('LPOP', outbox)
  redis.call('HINCRBY', state, 'settled', 1)
  set('there', 0)
  if ARGV[9] == 'suppressed' and field('awaiting_reply') ~= '' then
    for _, each in ipairs(cjson.decode(field('awaiting_reply'))) do remember(each[1], each[2]) end
  end
  if ARGV[9] == 'suppressed' then set('withheld', '1') end
  if ARGV[9] ~= '' then set('awaiting_reply', '') end
  note_said(tonumber(ARGV[10]))
  if ARGV[11] ~= '' then remember(ARGV[10], ARGV[11]) end
  for i = 12, #ARGV do redis.call('RPUSH', outbox, ARGV[i]) end
  keep_dead_letter(ARGV[7], ARGV[8])
end
keep()
if redis.call('LLEN', outbox) == 0 then
  local next = go_on(bell, grace)
  keep()
  return next
end
if ARGV[9] ~= '' then note_who_waits() end
set('tries', 1, 'not_before', 0, 'still_in_doubt', 0, 'doubt_until', 0)
watch_until(now + lease)
return head()
