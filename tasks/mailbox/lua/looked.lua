-- Chatwoot's list was read up to an id, and all of it is known. ARGV: conversation, id.
if tonumber(ARGV[2]) > number('looked') then set('looked', ARGV[2]) end
keep()
return {'kept'}
