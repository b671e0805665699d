local bench = require("bench")
local text = io.open(arg[1]):read("a")
bench.timed(function()
  local counts = {}
  for line in text:gmatch("[^\n]*") do
    for w in line:lower():gmatch("%S+") do counts[w] = (counts[w] or 0) + 1 end
  end
  local words = {}
  for w in pairs(counts) do words[#words + 1] = w end
  table.sort(words, function(a, b) return counts[a] > counts[b] or (counts[a] == counts[b] and a < b) end)
  local top = {}
  for i = 1, 3 do top[i] = words[i] .. " " .. counts[words[i]] end
  return '"' .. table.concat(top, " ") .. '"'
end)
