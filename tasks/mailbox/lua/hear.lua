-- What Chatwoot's own list says right before a turn is thought: the turn answers all that waits by then, in the order
-- of the ids, as it reads now, and without what a person has answered since. What the list does not show, and a webhook
-- has told of, is answered all the same. ARGV: conversation, token, bell, grace, most messages in a turn, the greatest
-- id that was listed, news, how many ids of deleted messages follow, these, and of each other message: id, 'customer' |
-- 'answered' (a customer's, too, which somebody has answered) | 'person' | 'note', its text; a customer's: source id or '' and '';
-- a person's: digest, and what is then to be done or ''. An answered one without text is not for the graph to know.
local token, bell, grace, most = ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if field('stage') ~= 'thinking' or field('token') ~= token then return {'lost'} end

local first = 9 + tonumber(ARGV[8])
for i = 9, first - 1 do drop_message(ARGV[i]) end
local unknown, answered = 0, 0
for i = first, #ARGV, 5 do
  local id, by, message, mark, action = unpack(ARGV, i, i + 4)
  if by == 'person' then
    if not is_echo({id = id, said = mark}) then
      answered = math.max(answered, tonumber(id))
      if remember_word(id, message) and action ~= '' then redis.call('RPUSH', outbox, action) end
    end
  elseif by == 'note' then
    hear_note(id, message)
  elseif by == 'answered' then
    -- So that its webhook, should it come yet, is no news.
    if see_message(id) and message ~= '' then remember(id, message) end
  elseif redis.call('ZCOUNT', waiting, id, id) > 0 then
    redis.call('ZREMRANGEBYSCORE', waiting, id, id)
    -- An edit that reads as what was answered: the webhook that told of it was overtaken by a later one's.
    local is_answered = is_edit(message) and reading(message) == answered_reading(id)
    if not is_answered then redis.call('ZADD', waiting, id, message) end
  elseif see_message(id) then
    unknown = unknown + 1
    if not is_twin(mark) then redis.call('ZADD', waiting, id, message) end
  end
end
local found = redis.call('ZRANGEBYSCORE', waiting, '-inf', '(' .. answered, 'WITHSCORES')
for i = 1, #found, 2 do
  -- What is chosen in a message, or edited, has that message's id: it may be later than the word.
  if not is_later_than_its_id(found[i]) then
    remember(found[i + 1], found[i])
    redis.call('ZREM', waiting, found[i])
  end
end
local news, look = cjson.decode(ARGV[7]), field('look')
news.words = without_echoes(news.words)
take_in(news)
set('look', look) -- what it would have shown, the list has
if tonumber(ARGV[6]) > number('looked') then set('looked', ARGV[6]) end
set('heard', '1')
keep()
if is_silenced() == 1 then
  set('batch', '')
  local next = go_on(bell, grace)
  return {'theirs', next[1], next[2]}
end
note_who_waits()
choose_batch(most)
local turn = turn_at_hand()
turn[1] = unknown
return turn
