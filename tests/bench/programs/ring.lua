-- Coroutines and a queue of who has a message: what stands for actors in plain Lua.
local bench = require("bench")
local hops = bench.size(1000000)
bench.timed(function()
  local links, finished = {}, false
  for i = 1, 503 do
    links[i] = coroutine.wrap(function()
      local next = i % 503 + 1
      local message = coroutine.yield()
      while true do
        if message == 0 then finished = true end
        message = coroutine.yield(next, message - 1)
      end
    end)
    links[i]()
  end
  local at, message = 1, hops
  while not finished do at, message = links[at](message) end
  return 0
end)
