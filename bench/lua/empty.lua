-- Arguments: method and path of a request that asks for nothing. A POST has the body of a booking.

dofile("common.lua")

local the_request

function init(args)
   if args[1] == "POST" then
      local headers = { ["Content-Type"] = "application/json" }
      the_request = wrk.format("POST", args[2], headers, '{"user_id":"visitor-1000"}')
   else
      the_request = wrk.format(args[1], args[2])
   end
end

function request()
   return the_request
end
