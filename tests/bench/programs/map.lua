local bench = require("bench")
local n = bench.size(100000)
bench.timed(function()
  local m, key = {}, 1
  for i = 0, n - 1 do
    key = key * 1103515245 % 2147483647
    m[key] = i
  end
  local sum = 0
  key = 1
  for _ = 1, n do
    key = key * 1103515245 % 2147483647
    sum = sum + (m[key] or 0)
  end
  return sum
end)
