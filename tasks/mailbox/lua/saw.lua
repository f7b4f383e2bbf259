-- Chatwoot has told us of a message of ours. ARGV: conversation, key, its id or 0 if it is private, 1 if it has arrived,
-- whether messages overtake each other here or ''. Who waits for its arrival need not any more.
local id = tonumber(ARGV[3])
redis.call('ZADD', seen, now, 'sent:' .. ARGV[2])
if ARGV[5] ~= '' then set('overtakes', ARGV[5]) end
note_said(id)
if id > 0 and key_of_head() == ARGV[2] then set('there', id) end
if ARGV[4] == '1' and id > number('arrived') then set('arrived', id) end
keep()
local awaited = number('awaits_arrival')
if awaited == 0 or awaited > number('arrived') then return {'seen'} end
set('awaits_arrival', 0, 'not_before', 0)
return {'send'}
