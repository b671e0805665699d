local bench = require("bench")
local function entry(i, j) return 1.0 / ((i + j) * (i + j + 1) // 2 + i + 1) end
local function multiply(v, into)
  for i = 0, #v do
    local sum = 0.0
    for j = 0, #v do sum = sum + entry(i, j) * v[j] end
    into[i] = sum
  end
end
local function multiply_transposed(v, into)
  for i = 0, #v do
    local sum = 0.0
    for j = 0, #v do sum = sum + entry(j, i) * v[j] end
    into[i] = sum
  end
end
local function filled(n, x)
  local t = {}
  for i = 0, n - 1 do t[i] = x end
  return t
end
local function norm(n)
  local u, v, w = filled(n, 1.0), filled(n, 0.0), filled(n, 0.0)
  for _ = 1, 10 do
    multiply(u, w)
    multiply_transposed(w, v)
    multiply(v, w)
    multiply_transposed(w, u)
  end
  local uv, vv = 0.0, 0.0
  for i = 0, n - 1 do
    uv = uv + u[i] * v[i]
    vv = vv + v[i] * v[i]
  end
  return math.sqrt(uv / vv)
end
local n = bench.size(100)
bench.timed(function() return string.format('"%.9f"', norm(n)) end)
