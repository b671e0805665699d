local bench = require("bench")
local function make(depth)
  if depth == 0 then return false end
  return {make(depth - 1), make(depth - 1)}
end
local function count(t)
  if not t then return 1 end
  return 1 + count(t[1]) + count(t[2])
end
local depth = bench.size(14)
bench.timed(function()
  local kept = make(depth)
  local total = 0
  for d = 4, depth, 2 do
    for _ = 1, 1 << (depth - d + 4) do total = total + count(make(d)) end
  end
  return total + count(kept)
end)
