local bench = require("bench")
local year, solar_mass = 365.24, 4 * 3.141592653589793 * 3.141592653589793
local x = {0, 0, 0, 4.84143144246472090, -1.16032004402742839, -0.103622044471123109, 8.34336671824457987, 4.12479856412430479,
  -0.403523417114321381, 12.8943695621391310, -15.1111514016986312, -0.223307578892655734, 15.3796971148509165,
  -25.9193146099879641, 0.179258772950371181}
local v = {0, 0, 0, 0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023, -0.00276742510726411,
  0.00499852801234917238, 0.0000230417297573763929, 0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556,
  0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870}
local mass = {1, 0.000954791938424326609, 0.000285885980666130812, 0.0000436624404335156298, 0.0000515138902046611451}
local function step(n, dt)
  for i = 1, n do
    local a = 3 * i - 2
    for j = i + 1, n do
      local b = 3 * j - 2
      local dx, dy, dz = x[a] - x[b], x[a + 1] - x[b + 1], x[a + 2] - x[b + 2]
      local d2 = dx * dx + dy * dy + dz * dz
      local mag = dt / (d2 * math.sqrt(d2))
      local ma, mb = mass[i] * mag, mass[j] * mag
      v[a], v[a + 1], v[a + 2] = v[a] - dx * mb, v[a + 1] - dy * mb, v[a + 2] - dz * mb
      v[b], v[b + 1], v[b + 2] = v[b] + dx * ma, v[b + 1] + dy * ma, v[b + 2] + dz * ma
    end
  end
  for k = 1, 3 * n do x[k] = x[k] + dt * v[k] end
end
local n = bench.size(1000)
bench.timed(function()
  for k = 1, 15 do v[k] = v[k] * year end
  for i = 1, 5 do mass[i] = mass[i] * solar_mass end
  for _ = 1, n do step(5, 0.01) end
  local sum = 0
  for i = 1, 5 do sum = sum + x[3 * i - 2] end
  return string.format('"%.6f"', sum)
end)
