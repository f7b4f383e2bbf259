-- Whose a conversation is, the bot's or people's: all that decides it, for every script. The newest act decides, by
-- Chatwoot's own time: webhooks come in any order. What a webhook means is decided in tasks/ownership.

local function is_owned_by_human() return field('owned_by_human') == '1' end

local function is_older_than_known(at) return at < number('acted_at') end

local function human_took_over(stamp, evidence)
  set('owned_by_human', '1', 'acted_at', stamp, 'takeover_evidence', evidence)
end

-- `evidence`: what still shows it as theirs, although they gave it back: whoever stays assigned, say.
local function handed_back(stamp, evidence)
  set('owned_by_human', '0', 'acted_at', stamp, 'takeover_evidence', evidence)
end

-- Whether all of this had shown already when the latest act was done.
local function is_known_evidence(evidence)
  local known = '+' .. field('takeover_evidence') .. '+'
  for sign in string.gmatch(evidence, '[^+]+') do
    if not string.find(known, '+' .. sign .. '+', 1, true) then return false end
  end
  return true
end

-- What the snapshot tells that came with a customer's message: 'handed back', 'human took over', or nothing new (nil).
-- Where people's having it had shown in a snapshot, a newer one that shows nothing tells that they gave it back. What
-- had shown already when they gave it back tells nothing new; anything else, that they took it and we were not told.
local function learn_from_snapshot(stamp, evidence)
  local at = tonumber(stamp)
  if is_owned_by_human() then
    if field('takeover_evidence') == '' or evidence ~= '' or at <= number('acted_at') then return nil end
    handed_back(stamp, '')
    return 'handed back'
  end
  if evidence == '' or is_older_than_known(at) then return nil end
  if field('owned_by_human') == '0' and is_known_evidence(evidence) then return nil end
  human_took_over(stamp, evidence)
  return 'human took over'
end
