-- Arguments: first booking, number of bookings. Each is cancelled once, in order.

dofile("common.lua")

local booking, last = 0, 0

function init(args)
   booking = tonumber(args[1])
   last = booking + tonumber(args[2]) - 1
end

function request()
   if booking > last then
      return finish()
   end
   booking = booking + 1
   return wrk.format("DELETE", "/api/v1/bookings/" .. booking - 1)
end
