-- A customer's message comes in, once. ARGV: conversation, message id, source id or '', message, bell, milliseconds of
-- quiet to wait for, at most so many in all, grace, news: of the conversation's state that came with it, whether messages
-- overtake each other here or '', for how long its transcript is waited for, 1 if another conversation has heard it.
local id, source, message, bell = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local quiet, most, grace = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local is_new = see_message(id)
local is_kept = is_new and not is_twin(source) and ARGV[12] ~= '1'
redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - 7 * DAY)
if ARGV[10] ~= '' then set('overtakes', ARGV[10]) end

local is_first = redis.call('ZCARD', waiting) == 0
-- Whoever tells us again of what we know may be the first to tell whose it is.
local change = take_in(cjson.decode(ARGV[9]))
local is_free = is_at_rest() or (field('stage') == 'queued' and change == 'taken')
if is_kept and is_silenced() == 1 then
  remember(id, message)
elseif is_kept then
  have_answered(id, message, is_first, quiet, most)
  local transcript = tonumber(ARGV[11])
  if transcript > 0 then set('unheard', field('unheard') .. id .. ' ', 'unheard_until', now + transcript) end
end
keep()
local next = {'waiting', 0}
if is_free and (change or is_kept) then next = go_on(bell, grace) end
next[3] = is_kept and 1 or 0
return next
