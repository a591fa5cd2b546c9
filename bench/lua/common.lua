-- For every load script: counts answers by status and outcome, and prints the result as the last
-- line. One thread is enough (a fraction of a core), so numbers handed out here are unique per run.

local ffi = require("ffi")
ffi.cdef [[ int getpid(void); int kill(int pid, int signal); ]]
local SIGINT = 2

answers = {}
used_up = false

-- "201 confirmed", "409 fully_booked", "200": the status, and the outcome given in the body.
function response(status, _, body)
   local outcome = body:match('"status":"(%l+)"') or body:match('"code":"([%l_]+)"')
   local answer = outcome and status .. " " .. outcome or tostring(status)
   answers[answer] = (answers[answer] or 0) + 1
end

-- Ends the run at once, from within request(). Requests in progress stay unanswered.
-- wrk's main thread sleeps for the whole duration unless a signal wakes it.
function finish()
   if not used_up then
      used_up = true
      wrk.thread:stop()
      ffi.C.kill(ffi.C.getpid(), SIGINT)
   end
   return wrk.format("GET", "/health")
end

local thread_of_run

function setup(thread)
   thread_of_run = thread
end

local function object(values, show)
   local members = {}
   for name, value in pairs(values) do
      members[#members + 1] = string.format('"%s":%s', name, show(value))
   end
   return "{" .. table.concat(members, ",") .. "}"
end

-- Times are in microseconds. wrk corrects its percentiles for coordinated omission.
function done(summary, latency, _)
   local errors = summary.errors
   print(object({
      duration_us = summary.duration,
      answers = object(thread_of_run:get("answers"), tostring),
      used_up = thread_of_run:get("used_up"),
      received_bytes = summary.bytes,
      p50_us = latency:percentile(50),
      p95_us = latency:percentile(95),
      p99_us = latency:percentile(99),
      socket_errors = errors.connect + errors.read + errors.write + errors.timeout,
   }, tostring))
end
