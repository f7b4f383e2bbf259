-- Something has failed outside of a turn and its outbox. ARGV: conversation, mark (once for each; '': each time),
-- dead letter's id, dead letter.
local mark = ARGV[2]
if mark ~= '' then
  if redis.call('ZSCORE', seen, mark) then return {'seen'} end
  redis.call('ZADD', seen, now, mark)
end
keep_dead_letter(ARGV[3], ARGV[4])
keep()
return {'kept'}
