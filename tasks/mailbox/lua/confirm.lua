-- Right before the action: is the outbox still this worker's? Whoever waited, or slept, may have lost it meanwhile.
-- And whose is the conversation? ARGV: conversation, token, lease, how long a try stays in doubt from now on, digest of
-- what is going to be said or '', news: what Chatwoot has just answered, or ''.
if field('stage') ~= 'replying' or field('token') ~= ARGV[2] then return {'lost'} end
if ARGV[6] ~= '' then
  local news = cjson.decode(ARGV[6])
  news.words = without_echoes(news.words)
  take_in(news)
end
set('doubt_until', now + tonumber(ARGV[4]))
if ARGV[5] ~= '' then redis.call('ZADD', seen, now, 'said:' .. ARGV[5]) end
watch_until(now + tonumber(ARGV[3]))
keep()
return {'held', is_suppressed()}
