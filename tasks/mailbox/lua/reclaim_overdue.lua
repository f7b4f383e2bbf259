-- The deadline has passed: whoever held the stage is gone, or the doorbell is lost. ARGV: conversation, grace, most
-- grace.
local deadline = tonumber(redis.call('ZSCORE', due, conversation))
if not deadline or deadline > now then return {'nothing'} end
return take_up(tonumber(ARGV[2]), tonumber(ARGV[3]))
