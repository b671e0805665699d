local bench = require("bench")
local function sorted(n)
  local a, seed = {}, 42
  for i = 1, n do
    seed = (seed * 1103515245 + 12345) % 2147483648
    a[i] = seed
  end
  table.sort(a)
  local sum = 0
  for i = 1, n do sum = (sum * 31 + a[i]) % 1000000007 end
  return sum
end
local n = bench.size(10000)
bench.timed(function() return sorted(n) end)
