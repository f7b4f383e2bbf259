-- A customer's message comes in, once. ARGV: conversation, message id, source id or '', message, bell,
-- milliseconds of quiet to wait for, at most so many in all, grace, what in Chatwoot's own snapshot shows that people
-- have the conversation (such as "assigned+status:open") or '', and that snapshot's time.
local id, source, message, bell = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local quiet, most, grace = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local refused, at = ARGV[9], tonumber(ARGV[10])

local is_new = not redis.call('ZSCORE', seen, 'message:' .. id)
if is_new then
  redis.call('ZADD', seen, now, 'message:' .. id)
  if tonumber(id) > number('newest') then set('newest', id) end
  if at > number('heard_at') then set('heard_at', ARGV[10]) end
end

-- A channel that delivers twice makes two messages, with two ids and one source_id, within minutes.
if is_new and source ~= '' then
  local before = tonumber(redis.call('ZSCORE', seen, 'source:' .. source))
  if before and now - before < 600 * 1000 then return {'seen', 0} end
  redis.call('ZADD', seen, now, 'source:' .. source)
end
redis.call('ZREMRANGEBYSCORE', seen, '-inf', now - 7 * DAY)

-- What people last did decides. Where their having it had shown in the snapshot, a newer one that shows nothing tells
-- that they gave it back. What had shown already when they gave it back (who stays assigned, say) tells nothing new;
-- anything else tells that they took it, and that we were not told.
local function all_shown_before()
  for sign in string.gmatch(refused, '[^+]+') do
    if not string.find('+' .. field('shown') .. '+', '+' .. sign .. '+', 1, true) then return false end
  end
  return true
end
local stage = field('stage')
local is_idle = stage == '' or stage == 'idle'
local with_people = field('with_people') == '1'
if with_people and field('shown') ~= '' and refused == '' and at > number('acted_at') then
  set('with_people', '0', 'acted_at', ARGV[10], 'shown', '')
  take_back_from_people()
  with_people = false
  -- Whoever tells us again of what we know may be the first to tell that we have it back.
  if not is_new and is_idle then
    keep()
    local next = go_on(bell, grace)
    next[3] = 0
    return next
  end
elseif not with_people and refused ~= '' and at >= number('acted_at')
    and not (field('with_people') == '0' and all_shown_before()) then
  set('with_people', '1', 'shown', refused, 'acted_at', ARGV[10])
  keep()
  with_people = true
end
if not is_new then return {'seen', 0} end
if with_people then
  remember(id, message)
  keep()
  return {'with people', 0}
end

if redis.call('ZCARD', waiting) == 0 then set('first_at', now) end
redis.call('ZADD', waiting, id, message)
set('quiet_until', math.min(now + quiet, math.max(now, number('first_at') + most)))
keep()

if is_idle then return go_on(bell, grace) end
return {'waiting', 0}
