-- A customer's message reads otherwise now: edited, or transcribed. It is answered as it reads; where it was answered
-- already, the graph is told, and nobody rings. ARGV: conversation, message id, message, the same as something to know,
-- 1 if no transcript of it is waited for any more: then whoever waited for it goes on.
local id, message, to_know = ARGV[2], ARGV[3], ARGV[4]
if not redis.call('ZSCORE', seen, 'message:' .. id) then return {'unknown'} end

local is_waiting = redis.call('ZREMRANGEBYSCORE', waiting, id, id) > 0
if is_waiting then redis.call('ZADD', waiting, id, message) end
local is_of_the_turn = string.find(' ' .. field('batch') .. ' ', ' ' .. id .. ' ', 1, true)
local is_being_thought = field('stage') == 'thinking' and is_of_the_turn
if not is_waiting or is_being_thought then
  local was_for_people = false
  for _, known in ipairs(redis.call('ZRANGEBYSCORE', meanwhile, id, id)) do
    local by = cjson.decode(known)['by']
    was_for_people = was_for_people or by == 'customer'
    if by ~= 'person' then redis.call('ZREM', meanwhile, known) end
  end
  remember(id, was_for_people and message or to_know)
end
keep()
local unheard = field('unheard')
local still = ARGV[5] == '1' and string.gsub(unheard, '%f[%d]' .. id .. ' ', '') or unheard
if still == unheard then return {'revised'} end
set('unheard', still)
if still ~= '' or field('stage') ~= 'queued' then return {'revised'} end
return {'ring', field('bell')}
