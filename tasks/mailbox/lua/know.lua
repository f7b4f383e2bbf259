-- A customer's message that is not to be answered comes in, once: for the bot to know. ARGV: conversation, message id,
-- message.
if not see_message(ARGV[2]) then return {'seen'} end
remember(ARGV[2], ARGV[3])
keep()
return {'known'}
