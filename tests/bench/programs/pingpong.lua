local bench = require("bench")
local n = bench.size(500000)
bench.timed(function()
  local ask = coroutine.wrap(function(m)
    while true do m = coroutine.yield(m + 1) end
  end)
  local i = 0
  while i < n do i = ask(i) end
  return i
end)
