-- A customer's message reads otherwise now: edited, or transcribed. It is answered as it reads. Where it was answered
-- already, the graph is told, and nobody rings; or where edits are answered, too, it waits for an answer anew, if it
-- reads otherwise than what was answered, and the bot has the conversation. ARGV: conversation, message id, message, the
-- same as something to know, the same as an edit to be answered or '', 1 if no transcript of it is waited for any more:
-- then whoever waited for it goes on; bell, milliseconds of quiet to wait for, at most so many in all, grace.
local id, message, to_know, edit = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local bell, quiet, most, grace = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
if not redis.call('ZSCORE', seen, 'message:' .. id) then return {'unknown'} end

local before = redis.call('ZRANGEBYSCORE', waiting, id, id)[1]
local is_of_the_turn = string.find(' ' .. field('batch') .. ' ', ' ' .. id .. ' ', 1, true)
local is_being_thought = before and field('stage') == 'thinking' and is_of_the_turn
-- What the bot has answered, or is about to, of this message; '' if nothing.
local was = answered_reading(id)
if before then was = (is_being_thought or is_edit(before)) and reading(before) or '' end
local is_answered_anew = edit ~= '' and was ~= '' and is_silenced() == 0

-- What waits as an edit stays one.
local function instead_of(known)
  if not is_edit(known) then return message end
  return edit ~= '' and edit or known
end

local next
if is_answered_anew and was ~= reading(message) then
  local is_first = redis.call('ZCARD', waiting) == 0
  redis.call('ZREMRANGEBYSCORE', waiting, id, id)
  redis.call('ZADD', seen, now, 'message:' .. id) -- that it was said now
  drop_from_awaiting_reply(id)
  have_answered(id, edit, is_first, quiet, most)
  set('look', '1') -- this webhook may be late: the list says how it reads now
  if is_at_rest() then next = go_on(bell, grace) end
elseif not is_answered_anew then
  if before then
    redis.call('ZREMRANGEBYSCORE', waiting, id, id)
    redis.call('ZADD', waiting, id, instead_of(before))
  end
  if not before or is_being_thought then
    local told = to_know
    for _, known in ipairs(redis.call('ZRANGEBYSCORE', meanwhile, id, id)) do
      local by = cjson.decode(known)['by']
      if by == 'customer' then told = instead_of(known) end
      if by ~= 'person' then redis.call('ZREM', meanwhile, known) end
    end
    remember(id, told)
  end
end
keep()
local unheard = field('unheard')
local still = ARGV[6] == '1' and string.gsub(unheard, '%f[%d]' .. id .. ' ', '') or unheard
if still ~= unheard then set('unheard', still) end
if next then return {next[1], next[2], bell} end
if still == unheard or still ~= '' or field('stage') ~= 'queued' then return {'revised'} end
return {'ring', 0, field('bell')}
