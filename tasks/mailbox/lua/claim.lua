-- A doorbell asks for the turn. ARGV: conversation, bell, token, lease, most messages in a turn.
-- The messages of a turn are chosen once: a turn that is taken up again is the same turn. One without messages goes on
-- with what a graph has left to people to decide, or has Chatwoot's list read.
local bell, token, lease, most = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local again = field('stage') == 'thinking' and field('token') == token
if not again then
  if field('stage') ~= 'queued' or field('bell') ~= bell then return {'stale'} end
  if is_silenced() == 1 then
    go_on('', 0)
    return {'stale'}
  end
  if ripe_at() > now then return {'wait', ripe_at() - now} end
  if field('batch') == '' then
    choose_batch(most)
    redis.call('HINCRBY', state, 'turn', 1)
    local hour = math.floor(now / (3600 * 1000))
    if number('hour') ~= hour then set('hour', hour, 'turns_this_hour', 0) end
    redis.call('HINCRBY', state, 'turns_this_hour', 1)
    set('unheard', '', 'away_since', '', 'attempts', 0, 'overran', 0, 'heard', field('look') == '1' and 'due' or '', 'look', '')
  end
  redis.call('HINCRBY', state, 'attempts', 1)
  set('stage', 'thinking', 'token', token, 'rings', 0)
  watch_until(now + lease)
end
return turn_at_hand()
