local bench = require("bench")
local function count(n)
  local composite = {}
  for i = 0, n - 1 do composite[i] = 0 end
  local found = 0
  for i = 2, n - 1 do
    if composite[i] == 0 then
      found = found + 1
      for k = i * i, n - 1, i do composite[k] = 1 end
    end
  end
  return found
end
local n = bench.size(100000)
bench.timed(function() return count(n) end)
