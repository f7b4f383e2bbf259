-- People take the conversation, or give it back. ARGV: conversation, when (0: just after what is known),
-- 'take' | 'give back' | 'end' (give back, and nobody is to be answered), what in the snapshot of that moment shows it
-- as theirs or '', bell, grace, message id and message, where the act is a message.
local at, act, evidence, bell, grace = tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])

if ARGV[7] then
  if redis.call('ZSCORE', seen, 'message:' .. ARGV[7]) then return {'seen', 0} end
  redis.call('ZADD', seen, now, 'message:' .. ARGV[7])
  remember(ARGV[7], ARGV[8])
  keep()
end
local stamp = ARGV[2]
if at == 0 then stamp = field('acted_at') elseif is_older_than_known(at) then return {'old', 0} end

local stage = field('stage')
if act == 'take' then
  human_took_over(stamp, evidence)
  keep()
  if stage == 'queued' then return go_on(bell, grace) end
  return {'taken', 0} -- what is being thought will not be posted
end

local was_theirs = is_owned_by_human()
handed_back(stamp, evidence)
set('turns_this_hour', 0)
-- What is under way is not posted any more, unless it answers what the customer said after the end.
local is_under_way = stage == 'thinking' or stage == 'replying'
if act == 'end' and is_under_way and at > number('customer_at') then set('over', '1') end
if act == 'give back' and was_theirs then
  take_back_from_people()
  if field('awaits') ~= '' then set('resume', '1') end
end
keep()
if stage == '' or stage == 'idle' then return go_on(bell, grace) end
return {'given back', 0}
