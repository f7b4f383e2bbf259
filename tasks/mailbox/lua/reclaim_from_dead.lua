-- The holder is known to be dead: its deadline need not be waited for. ARGV: conversation, holder, grace, most grace.
local holder = ARGV[2]
if string.sub(field('token'), 1, #holder) ~= holder then return {'nothing'} end
return take_up(tonumber(ARGV[3]), tonumber(ARGV[4]))
