-- Sends the requests that WRK_REQUESTS lists, one after the other, and prints one line of JSON in the end.
-- Each line of that file: method, path, file of the body or "-", separated by tabs. WRK_DELAY is how many milliseconds a
-- connection waits between two requests; a fraction is the chance of one more.
local requests, place, pause = {}, 0, tonumber(os.getenv("WRK_DELAY") or "0")
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  busy, refused = 0, 0
  for line in io.lines(os.getenv("WRK_REQUESTS")) do
    local method, path, file = line:match("([^\t]+)\t([^\t]+)\t([^\t]+)")
    local body
    if file ~= "-" then
      local opened = io.open(file, "rb")
      body = opened:read("*a")
      opened:close()
    end
    local headers = body and { ["Content-Type"] = "application/json" } or {}
    headers["Host"] = "127.0.0.1"
    table.insert(requests, wrk.format(method, path, headers, body))
  end
  math.randomseed(7)
end

function request()
  place = place % #requests + 1
  return requests[place]
end

if pause > 0 then
  function delay()
    local whole = math.floor(pause)
    return math.random() < pause - whole and whole + 1 or whole
  end
end

if os.getenv("WRK_STATUSES") then
  function response(status, headers)
    if status == 503 or status == 429 then
      busy = busy + 1
      if not (headers["retry-after"] or headers["Retry-After"]) then refused = refused + 1 end
    end
  end
end

function done(summary, latency)
  local failed, busy, silent = summary.errors, 0, 0
  for _, thread in ipairs(threads) do
    busy, silent = busy + thread:get("busy"), silent + thread:get("refused")
  end
  io.write(string.format(
    'JSON {"requests": %d, "seconds": %.4f, "p50_ms": %.4f, "p99_ms": %.4f, "max_ms": %.3f, "connection_errors": %d, '
      .. '"timeouts": %d, "status_errors": %d, "busy": %d, "busy_without_retry_after": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, failed.connect + failed.read + failed.write, failed.timeout, failed.status, busy, silent))
end
