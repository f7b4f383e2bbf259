-- The turn has been thought: its messages leave the mailbox in the same step in which what it wants is recorded.
-- ARGV: conversation, token, bell, grace, dead letter's id or '', dead letter, the turn's name if its graph waits for
-- what people decide or '', 1 if its graph has run, and learnt what was said earlier (else it waits as before), of how
-- many of its messages it is given up to answer them, after how many ms of people's silence that is cancelled or 0, what
-- is then to be done in Chatwoot, each of the messages given up by id and as the next turn is to know it, what to do in
-- Chatwoot...
-- What is answered is kept until the answer is posted: people may yet be quicker, and give it back without one. What was
-- edited since the turn was given it goes on waiting.
local token, bell, grace = ARGV[2], ARGV[3], tonumber(ARGV[4])

if field('stage') ~= 'thinking' or field('token') ~= token then return {'lost', 0} end
if ARGV[8] == '1' then
  for id in string.gmatch(field('told'), '%d+') do redis.call('ZREMRANGEBYSCORE', meanwhile, id, id) end
end
local first, given_up = 12 + 2 * tonumber(ARGV[9]), {}
for i = 12, first - 1, 2 do given_up[ARGV[i]] = ARGV[i + 1] end
local is_to_be_posted = ARGV[first] and ARGV[5] == ''
local answered = {}
for id in string.gmatch(field('batch'), '%d+') do
  local given = string.match(' ' .. field('given'), ' ' .. id .. '=(%w+)')
  for _, message in ipairs(redis.call('ZRANGEBYSCORE', waiting, id, id)) do
    local is_edited_since = is_edit(message) and reading(message) ~= given
    if given then note_answered(id, given) end
    if not is_edited_since then
      redis.call('ZREM', waiting, message)
      if is_to_be_posted then
        answered[#answered + 1] = {id, message}
      elseif is_silenced() == 1 then
        remember(id, message) -- people were quicker: the customer has not been answered
      elseif given_up[id] then
        remember(id, given_up[id])
      end
    end
  end
end
set('awaiting_reply', #answered > 0 and cjson.encode(answered) or '')
set('batch', '', 'attempts', 0, 'resume', '')
if ARGV[8] == '1' then await_decision(ARGV[7], tonumber(ARGV[10]), ARGV[11]) end
for i = first, #ARGV do redis.call('RPUSH', outbox, ARGV[i]) end
keep_dead_letter(ARGV[5], ARGV[6])
local next = go_on(bell, grace)
keep()
return next
