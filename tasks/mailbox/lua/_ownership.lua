-- Whose a conversation is, the bot's or people's: decided here, for every script, from all that Chatwoot has told.
-- Webhooks come in any order, so what is kept can be put together in any order. What they and the API's answers mean is
-- worked out in tasks/ownership/news.py.
--
-- KNOWN, the field `ownership`, JSON. Times are milliseconds of Chatwoot's clock; none is 0
--   at       of the newest state of the conversation that was told
--   signs    what in that state shows it as people's: 'assigned:<user id>', 'paused', 'status:<status>'
--   over     that state is resolved
--   present  sign -> the earliest time since which it is known to be there
--   gone     kind of sign -> the latest time at which none of the kind was there
--   back     when it was last given back, by whatever act; all: by one that counts whatever signs are left;
--            by_hand: by an operator
--   word     a person's newest public message: {id, at}
--   handed   when the bot last handed it over; -1: just now, as far as is known
--   handed_by   by our own clock, where Chatwoot's is not known: an act a minute later is a later one

local A_MINUTE = 60 * 1000
local OVER = 'over' -- a sign of its own: it gives the conversation back, and leaves nobody to be answered
local ANYBODY = 'assigned:?' -- of an earlier version, which did not remember whom

-- What version 0.1 knew: whose it was since when, and what had shown. Its names were others.
local function adopted_from_0_1(known)
  local old = redis.call('HMGET', state, 'with_people', 'acted_at', 'shown', 'unheard')
  redis.call('HDEL', state, 'with_people', 'acted_at', 'shown', 'unheard', 'heard_at')
  if old[4] then set('awaiting_reply', old[4]) end
  if not old[1] then return known end
  known.at = math.floor((tonumber(old[2]) or 0) * 1000)
  for sign in string.gmatch(old[3] or '', '[^+]+') do
    if sign == 'assigned' then sign = ANYBODY end
    known.signs[#known.signs + 1] = sign
    known.present[sign] = known.at
  end
  if old[1] == '1' then known.word = {id = 0, at = known.at - 1} else known.back, known.all = known.at, known.at end
  return known
end

local function known_ownership()
  local kept = field('ownership')
  if kept ~= '' then return cjson.decode(kept) end
  return adopted_from_0_1({at = 0, signs = {}, present = {}, gone = {}, back = 0, all = 0, handed = 0})
end

local function kind_of(sign) return string.match(sign, '^[^:]+') end

-- A sign that was there already when the conversation was given back is not in the way: whoever stays assigned, say.
-- But the label, which says nothing else, is until it is taken off: a customer's writing again gives back all but that.
local function is_in_the_way(sign, known)
  local since = known.present[sign]
  return not since or since > (sign == 'paused' and (known.by_hand or 0) or known.all)
end

local function is_known_as_peoples(known)
  for _, sign in ipairs(known.signs) do
    if is_in_the_way(sign, known) then return true end
  end
  if known.word and known.word.at >= known.back then return true end
  if known.handed == -1 then return known.back <= (known.handed_by or 0) + A_MINUTE end
  return known.handed > known.back
end

local function note_present(known, sign, at)
  if at <= (known.gone[kind_of(sign)] or 0) then return end
  local since = known.present[sign] or (kind_of(sign) == 'assigned' and known.present[ANYBODY])
  known.present[sign] = since and math.min(since, at) or at
end

local function note_gone(known, kind, at)
  if at <= (known.gone[kind] or 0) then return end
  known.gone[kind] = at
  for sign, since in pairs(known.present) do
    if kind_of(sign) == kind and since <= at then known.present[sign] = nil end
  end
end

local function note_given_back(known, at, counts_whatever_is_left)
  known.back = math.max(known.back, at)
  if counts_whatever_is_left then known.all = math.max(known.all, at) end
end

local function is_among(sign, signs)
  for _, each in ipairs(signs) do
    if each == sign then return true end
  end
  return false
end

-- An operator wants the bot to go on: whatever is known is not in the way.
local function note_given_back_by_hand(known)
  local newest = math.max(known.at, known.handed, known.word and known.word.at + 1 or 0)
  for _, since in pairs(known.present) do newest = math.max(newest, since) end
  if known.handed == -1 then known.handed = 0 end
  known.by_hand = newest
  note_given_back(known, newest, true)
end

local function is_known_as_over(known)
  local since = known.present[OVER]
  return known.over and not (since and since <= (known.by_hand or 0))
end

-- The state of one moment. Of a sign that was there before and is not now, somebody has taken it away meanwhile.
local function note_state(known, news)
  local kinds = {}
  for _, sign in ipairs(news.signs) do kinds[kind_of(sign)] = true end
  if news.at >= known.at then
    for _, sign in ipairs(known.signs) do
      local kind = kind_of(sign)
      if not kinds[kind] then note_given_back(known, known.at + 1, kind == 'status') end
    end
    known.at, known.signs, known.over = news.at, news.signs, news.over
  end
  kinds[OVER] = news.over
  for _, kind in ipairs({'assigned', 'paused', 'status', OVER}) do
    if not kinds[kind] then note_gone(known, kind, news.at) end
  end
  for _, sign in ipairs(news.signs) do note_present(known, sign, news.at) end
  if known.at == news.at then -- of a kind that shows, what does not is gone
    for sign in pairs(known.present) do
      if kinds[kind_of(sign)] and sign ~= OVER and not is_among(sign, news.signs) then known.present[sign] = nil end
    end
  end
  if news.over then
    note_present(known, OVER, news.at)
    note_given_back(known, news.at, true)
  end
end

local function note_word(known, word)
  if not known.word or word.id > known.word.id then
    known.word = {id = word.id, at = word.at}
  elseif word.id == known.word.id then
    known.word.at = math.min(known.word.at, word.at)
  end
end

-- Put news to what is known, once or again. Returns 'taken' or 'given back' where it has changed hands by that, else
-- nil; and whether somebody has given it back since what was known, although it was not known as theirs.
local function learn(news)
  local known = known_ownership()
  local was_peoples, all_before = is_known_as_peoples(known), known.all
  for kind, at in pairs(news.gone or {}) do note_gone(known, kind, at) end
  for sign, at in pairs(news.present or {}) do
    note_gone(known, kind_of(sign), at - 1) -- whatever else of its kind was there
    note_present(known, sign, at)
  end
  note_given_back(known, news.back or 0, false)
  note_given_back(known, news.all or 0, true)
  if news.at then note_state(known, news) end
  for _, word in ipairs(news.words or {}) do note_word(known, word) end
  if news.handed then known.handed, known.handed_by = news.handed, news.handed_by end
  if news.by_hand then note_given_back_by_hand(known) end
  local is_peoples = is_known_as_peoples(known)
  local is_given_back = known.all > all_before or (was_peoples and not is_peoples)
  set('ownership', cjson.encode(known), 'signs', table.concat(known.signs, '+'))
  set('owned_by_human', is_peoples and '1' or '0', 'over', is_known_as_over(known) and '1' or '')
  if is_peoples ~= was_peoples then return is_peoples and 'taken' or 'given back', is_given_back end
  return nil, is_given_back
end

local function is_owned_by_human() return field('owned_by_human') == '1' end

local function is_over() return field('over') == '1' end

local function looks_like_peoples() return field('signs') ~= '' end
