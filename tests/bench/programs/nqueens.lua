local bench = require("bench")
local function place(all, columns, left, right)
  if columns == all then return 1 end
  local free = all & ~(columns | left | right)
  local found = 0
  while free ~= 0 do
    local bit = free & -free
    free = free ~ bit
    found = found + place(all, columns | bit, (left | bit) << 1, (right | bit) >> 1)
  end
  return found
end
local n = bench.size(11)
bench.timed(function() return place((1 << n) - 1, 0, 0, 0) end)
