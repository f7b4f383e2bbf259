-- Chatwoot has told whose the conversation is, by a webhook or when asked. ARGV: conversation, news, bell, grace; and
-- where a person wrote, their message, and what is then to be done in Chatwoot, or ''.
local news, bell, grace = cjson.decode(ARGV[2]), ARGV[3], tonumber(ARGV[4])

local is_new = false
news.words = without_echoes(news.words)
if ARGV[5] and #news.words > 0 then
  is_new = remember_word(news.words[1].id, ARGV[5])
  if is_new and ARGV[6] ~= '' then redis.call('RPUSH', outbox, ARGV[6]) end
end
local change = take_in(news)
keep()
local has_more = is_new and ARGV[6] ~= ''
if is_at_rest() and (change or has_more or field('look') == '1') then return go_on(bell, grace) end
if field('stage') == 'queued' and (is_silenced() == 1 or has_more) then return go_on(bell, grace) end
return {'kept', 0} -- what is being thought is not posted
