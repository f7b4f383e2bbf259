-- A tool is about to act, in the turn at hand. An act that was done is given back with its result.
-- ARGV: conversation, token, the act's id, the act, the messages in answer to which it is done...
local token, id, act = ARGV[2], ARGV[3], ARGV[4]
if field('stage') ~= 'thinking' or field('token') ~= token then return {'lost'} end

local result = result_of_act(id)
if result then
  local new = cjson.decode(act)
  new.result = result
  act = cjson.encode(new)
end
keep_act(id, act)
for i = 5, #ARGV do
  local name = 'of:' .. ARGV[i]
  local known = redis.call('HGET', acts, name) or ''
  if not string.find(' ' .. known .. ' ', ' ' .. id .. ' ', 1, true) then known = known .. ' ' .. id end
  keep_act(name, known)
end
return {'intended', act}
