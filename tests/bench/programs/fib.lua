local bench = require("bench")
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
local n = bench.size(32)
bench.timed(function() return fib(n) end)
