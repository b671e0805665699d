local bench = require("bench")
local function filter(list, keep)
  local kept, n = {}, 0
  for i = 1, #list do
    local x = list[i]
    if keep(x) then n = n + 1; kept[n] = x end
  end
  return kept
end
local limit = bench.size(200000)
bench.timed(function()
  local candidates, found = {}, 0
  for i = 2, limit - 1 do candidates[i - 1] = i end
  while candidates[1] and candidates[1] * candidates[1] <= limit do
    local p = candidates[1]
    found = found + 1
    candidates = filter(candidates, function(n) return n % p ~= 0 end)
  end
  return found + #candidates
end)
