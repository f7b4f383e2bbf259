-- Right before the action: is the outbox still this worker's? Whoever waited, or slept, may have lost it meanwhile.
-- And whose is the conversation? From here on the action may come true. ARGV: conversation, token, lease, digest of what
-- is going to be said or '', news: what Chatwoot has just answered, or '', 1 if it is not to be done while a customer's
-- message waits.
if field('stage') ~= 'replying' or field('token') ~= ARGV[2] then return {'lost'} end
if ARGV[5] ~= '' then
  local news = cjson.decode(ARGV[5])
  news.words = without_echoes(news.words)
  take_in(news)
  set('asked_at', now)
end
set('doubt_until', UNANSWERED)
if ARGV[4] ~= '' then redis.call('ZADD', seen, now, 'said:' .. ARGV[4]) end
watch_until(now + tonumber(ARGV[3]))
keep()
if ARGV[6] == '1' and redis.call('ZCARD', waiting) > 0 then return {'held', 1} end
return {'held', is_suppressed()}
