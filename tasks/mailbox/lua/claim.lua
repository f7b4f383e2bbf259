-- A doorbell asks for the turn. ARGV: conversation, bell, token, lease, most messages in a turn.
-- The messages of a turn are chosen once: a turn that is taken up again is the same turn. One without messages goes on
-- with what a graph has left to people to decide.
local NONE = '-'
local bell, token, lease, most = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])

local again = field('stage') == 'thinking' and field('token') == token
if not again then
  if field('stage') ~= 'queued' or field('bell') ~= bell then return {'stale'} end
  if is_owned_by_human() then
    go_on('', 0)
    return {'stale'}
  end
  if number('quiet_until') > now then return {'wait', number('quiet_until') - now} end
  if field('batch') == '' then
    local ids = {}
    local found = redis.call('ZRANGE', waiting, 0, most - 1, 'WITHSCORES')
    for i = 2, #found, 2 do ids[#ids + 1] = string.format('%.0f', found[i]) end
    redis.call('HINCRBY', state, 'turn', 1)
    set('batch', #ids > 0 and table.concat(ids, ' ') or NONE, 'attempts', 0)
    local hour = math.floor(now / (3600 * 1000))
    if number('hour') ~= hour then set('hour', hour, 'turns_this_hour', 0) end
    redis.call('HINCRBY', state, 'turns_this_hour', 1)
  end
  redis.call('HINCRBY', state, 'attempts', 1)
  set('stage', 'thinking', 'token', token, 'rings', 0)
  watch_until(now + lease)
end

local messages = {}
for id in string.gmatch(field('batch'), '%d+') do
  for _, message in ipairs(redis.call('ZRANGEBYSCORE', waiting, id, id)) do messages[#messages + 1] = message end
end

local earlier = redis.call('ZRANGE', meanwhile, 0, -1, 'WITHSCORES')
local resumes = field('batch') == NONE and field('awaits') or ''
local answer = {'turn', number('turn'), number('attempts'), number('turns_this_hour'), resumes, #earlier / 2}
local told = {}
for i = 1, #earlier, 2 do
  answer[#answer + 1] = earlier[i]
  told[#told + 1] = string.format('%.0f', earlier[i + 1])
end
set('told', table.concat(told, ' '))
for _, message in ipairs(messages) do answer[#answer + 1] = message end
return answer
