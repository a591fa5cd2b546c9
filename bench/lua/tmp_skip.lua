-- Arguments: event, a token whose turn is far away.
-- People who don't wait until they are told to come back: each asks as soon as the last answer is
-- there. In turn they try to book without a turn, join the waiting room, and ask for a place.

dofile("common.lua")

local JSON = { ["Content-Type"] = "application/json" }
local event, place = "", {}
local asked = 0

function init(args)
   event = "/api/v1/events/" .. args[1]
   place = { ["Waiting-Room-Token"] = args[2] }
end

function request()
   asked = asked + 1
   if false then
      return wrk.format("GET", event .. "/waiting-room", place)
   end
   local path = "/bookings"
   return wrk.format("POST", event .. path, JSON, '{"user_id":"crowd-' .. asked .. '"}')
end
