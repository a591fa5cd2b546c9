-- Argument: a file with one path per line, fetched in turn.

dofile("common.lua")

local requests = {}
local asked = 0

function init(args)
   for path in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format("GET", path)
   end
end

function request()
   asked = asked + 1
   return requests[asked % #requests + 1]
end
