-- Posts one body a request for a random customer; prints the run's figures as one line of JSON.
-- Arguments: the body with %d for the customer's number, how many customers there are.
local body, customers

function init(args)
  body, customers = args[1], tonumber(args[2])
  math.randomseed(os.time())
end

function request()
  return wrk.format("POST", nil, nil, body:format(math.random(customers)))
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "refused": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
