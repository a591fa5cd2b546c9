-- Arguments: first event, number of events (booked in turn), most bookings to ask for; "close" if each
-- is to have a connection of its own.
-- A new user each time.

dofile("common.lua")

local HEADERS = { ["Content-Type"] = "application/json" }
local paths, limit = {}, 0
local asked = 0

function init(args)
   local first, events = tonumber(args[1]), tonumber(args[2])
   limit = tonumber(args[3])
   HEADERS["Connection"] = args[4]
   for event = first, first + events - 1 do
      paths[#paths + 1] = "/api/v1/events/" .. event .. "/bookings"
   end
end

function request()
   if asked >= limit then
      return finish()
   end
   asked = asked + 1
   local body = '{"user_id":"visitor-' .. asked .. '"}'
   return wrk.format("POST", paths[asked % #paths + 1], HEADERS, body)
end
