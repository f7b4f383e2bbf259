-- A message was deleted in Chatwoot, or answered in an earlier life of Redis: it is not answered any more, even where its
-- own webhook comes later. ARGV: conversation, message id, a word about it for the memory or '', bell, grace.
local id = ARGV[2]
drop_message(id)
drop_from_awaiting_reply(id)
if ARGV[3] ~= '' then remember(id, ARGV[3]) end
keep()
if field('stage') == 'queued' and redis.call('ZCARD', waiting) == 0 then
  set('batch', '', 'attempts', 0)
  -- The bell that was rung is right still, where there is more to be done.
  local is_more = field('resume') == '1' or field('look') == '1'
  if not is_more or redis.call('LLEN', outbox) > 0 then return go_on(ARGV[4], tonumber(ARGV[5])) end
end
return {'gone', 0}
