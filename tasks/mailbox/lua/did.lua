-- What came of an act, whoever has the turn by now: it is true. ARGV: conversation, token of who tried, the act's id, its
-- result, or '' if for certain nothing was done. Where that is another's try by now, it is not forgotten.
local token, id, result = ARGV[2], ARGV[3], ARGV[4]
local kept = redis.call('HGET', acts, id)
if not kept then return {'gone'} end
local act = cjson.decode(kept)
if result_of_act(id) then return {'known'} end
if result ~= '' then
  act.result = result
  keep_act(id, cjson.encode(act))
elseif act.token == token then
  redis.call('HDEL', acts, id)
end
return {'known'}
