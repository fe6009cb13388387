-- Asks with one body of a file after the other, one JSON document a line, and says at the end what was
-- measured as one line of JSON, latencies in microseconds: wrk ... -s cycle.lua URL -- FILE
local requests, number = {}, 0

function init(args)
   wrk.method = "POST"
   wrk.headers["Content-Type"] = "application/json"
   for body in io.lines(args[1]) do
      requests[#requests + 1] = wrk.format(nil, nil, nil, body)
   end
end

function request()
   number = number % #requests + 1
   return requests[number]
end

function done(summary, latency)
   local errors = summary.errors
   local failures = errors.status + errors.connect + errors.read + errors.write + errors.timeout
   io.write(string.format(
      '{"requests": %d, "microseconds": %d, "failures": %d, "p50": %f, "p99": %f}\n',
      summary.requests, summary.duration, failures, latency:percentile(50), latency:percentile(99)
   ))
end
