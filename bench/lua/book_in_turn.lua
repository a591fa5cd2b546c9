-- Arguments: event, file with a token of the waiting room on each line: the first for visitor-1.

dofile("common.lua")

local HEADERS = { ["Content-Type"] = "application/json" }
local tokens, path = nil, ""
local asked = 0

function init(args)
   path = "/api/v1/events/" .. args[1] .. "/bookings"
   tokens = io.lines(args[2])
end

function request()
   local token = tokens()
   if token == nil then
      return finish()
   end
   asked = asked + 1
   HEADERS["Waiting-Room-Token"] = token
   return wrk.format("POST", path, HEADERS, '{"user_id":"visitor-' .. asked .. '"}')
end
