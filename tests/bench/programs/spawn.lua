local bench = require("bench")
local n = bench.size(200000)
bench.timed(function()
  local sum = 0
  local function value(x) sum = sum + x end
  for i = 0, n - 1 do
    local cell = coroutine.wrap(function()
      local to = coroutine.yield()
      to(i)
    end)
    cell()
    cell(value)
  end
  return sum
end)
