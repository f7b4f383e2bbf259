-- A customer's message that is not to be answered comes in, once: for the bot to know. Or the team's private note, which
-- is only for a graph that waits for what people decide. ARGV: conversation, message id, message, 1 if it is a note.
if ARGV[4] == '1' then
  if not hear_note(ARGV[2], ARGV[3]) then return {'seen'} end
  keep()
  return {'known'}
end
if not see_message(ARGV[2]) then return {'seen'} end
remember(ARGV[2], ARGV[3])
keep()
return {'known'}
