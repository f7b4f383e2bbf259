-- The holder lives. ARGV: conversation, token, lease.
if field('token') ~= ARGV[2] or ARGV[2] == '' then return {'lost'} end
watch_until(now + tonumber(ARGV[3]))
return {'held'}
