local bench = require("bench")
local function place(row, n, columns, falling, rising)
  if row == n then return 1 end
  local found = 0
  for c = 0, n - 1 do
    if columns[c] + falling[row + c] + rising[row - c + n] == 0 then
      columns[c], falling[row + c], rising[row - c + n] = 1, 1, 1
      found = found + place(row + 1, n, columns, falling, rising)
      columns[c], falling[row + c], rising[row - c + n] = 0, 0, 0
    end
  end
  return found
end
local function zeros(n)
  local t = {}
  for i = 0, n - 1 do t[i] = 0 end
  return t
end
local n = bench.size(8)
bench.timed(function() return place(0, n, zeros(n), zeros(2 * n), zeros(2 * n)) end)
