-- Argument: method of the request to the empty view. A POST carries what a booking would.

dofile("common.lua")

local the_request

function init(args)
   if args[1] == "POST" then
      local headers = { ["Content-Type"] = "application/json" }
      the_request = wrk.format("POST", "/api/v1/empty", headers, '{"user_id":"visitor-1000"}')
   else
      the_request = wrk.format(args[1], "/api/v1/empty")
   end
end

function request()
   return the_request
end
