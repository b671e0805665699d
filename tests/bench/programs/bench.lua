-- What the benchmark programs share: the size from the command line, and timing of the work alone.
local M = {}
function M.size(default) return tonumber(arg[1]) or default end
function M.timed(work)
  local start = os.clock()
  local result = work()
  local took = os.clock() - start
  print(result)
  print("us " .. math.floor(took * 1e6))
end
return M
