-- Arguments: event, first booking to cancel, number of bookings that may be cancelled.
-- Of every ten requests, six read the status, three book for new users and one cancels.

dofile("common.lua")

local HEADERS = { ["Content-Type"] = "application/json" }
local TURNS = { "status", "book", "status", "status", "book", "status", "cancel", "status", "book", "status" }
local event_path, status
local booking, last = 0, 0
local asked = 0

function init(args)
   event_path = "/api/v1/events/" .. args[1]
   booking = tonumber(args[2])
   last = booking + tonumber(args[3]) - 1
   status = wrk.format("GET", event_path .. "/status")
end

function request()
   asked = asked + 1
   local turn = TURNS[asked % #TURNS + 1]
   if turn == "status" then
      return status
   end
   if turn == "book" then
      local body = '{"user_id":"visitor-' .. asked .. '"}'
      return wrk.format("POST", event_path .. "/bookings", HEADERS, body)
   end
   if booking > last then
      return finish()
   end
   booking = booking + 1
   return wrk.format("DELETE", "/api/v1/bookings/" .. booking - 1)
end
