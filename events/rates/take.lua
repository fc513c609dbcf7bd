-- The windows of one key, all taken or none: events.rates.windows for many processes.
-- KEYS: where they are kept. ARGV: events, slots of a window, then of each limit its events and
-- its seconds. Returns microseconds to wait (0: taken) and the number of the limit that is full.
-- A window is a flat list: of each slot when it began, when it leaves, its events.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local events, slots = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('GET', KEYS[1])
local windows = kept and cmsgpack.unpack(kept) or {}
local limits = (#ARGV - 2) / 2
local longest, fullest = 0, 0

for number = 1, limits do
  local most = tonumber(ARGV[1 + 2 * number])
  local known, live, total = windows[number] or {}, {}, 0
  for at = 1, #known, 3 do
    -- What began later than now is of a clock that was set back since.
    if known[at + 1] > now and known[at] <= now then
      live[#live + 1] = known[at]
      live[#live + 1] = known[at + 1]
      live[#live + 1] = known[at + 2]
      total = total + known[at + 2]
    end
  end
  windows[number] = live
  local over = total + events - most
  if events > most then
    over = total + 1 - most
  end
  local wait = 0
  for at = 1, #live, 3 do
    if over <= 0 then
      break
    end
    over = over - live[at + 2]
    wait = live[at + 1] - now
  end
  if wait > longest then
    longest, fullest = wait, number
  end
end

if longest == 0 then
  local last_leaves = now
  for number = 1, limits do
    local most, span = tonumber(ARGV[1 + 2 * number]), ARGV[2 + 2 * number] * 1000000
    local live = windows[number]
    local size = #live
    if events <= most and size > 0 and now - live[size - 2] < span / slots then
      live[size - 1] = now + span
      live[size] = live[size] + events
    else
      live[size + 1] = now
      live[size + 2] = now + math.ceil(span * math.max(1, events / most))
      live[size + 3] = events
    end
    last_leaves = math.max(last_leaves, live[#live - 1])
  end
  local lasts_ms = math.ceil((last_leaves - now) / 1000)
  redis.call('SET', KEYS[1], cmsgpack.pack(windows), 'PX', string.format('%.0f', lasts_ms))
end
return {longest, fullest}
