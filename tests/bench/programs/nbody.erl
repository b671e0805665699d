-module(nbody).
-export([main/1]).
-record(body, {x, y, z, vx, vy, vz, mass}).
system() ->
    SolarMass = 4.0 * 3.141592653589793 * 3.141592653589793,
    Year = 365.24,
    [#body{x = 0.0, y = 0.0, z = 0.0, vx = 0.0, vy = 0.0, vz = 0.0, mass = SolarMass},
     #body{x = 4.84143144246472090, y = -1.16032004402742839, z = -0.103622044471123109,
           vx = 0.00166007664274403694 * Year, vy = 0.00769901118419740425 * Year, vz = -0.0000690460016972063023 * Year,
           mass = 0.000954791938424326609 * SolarMass},
     #body{x = 8.34336671824457987, y = 4.12479856412430479, z = -0.403523417114321381,
           vx = -0.00276742510726411 * Year, vy = 0.00499852801234917238 * Year, vz = 0.0000230417297573763929 * Year,
           mass = 0.000285885980666130812 * SolarMass},
     #body{x = 12.8943695621391310, y = -15.1111514016986312, z = -0.223307578892655734,
           vx = 0.00296460137564761618 * Year, vy = 0.00237847173959480950 * Year, vz = -0.0000296589568540237556 * Year,
           mass = 0.0000436624404335156298 * SolarMass},
     #body{x = 15.3796971148509165, y = -25.9193146099879641, z = 0.179258772950371181,
           vx = 0.00268067772490389322 * Year, vy = 0.00162824170038242295 * Year, vz = -0.0000951592254519715870 * Year,
           mass = 0.0000515138902046611451 * SolarMass}].
pull(B, [], _, Vx, Vy, Vz) -> B#body{vx = Vx, vy = Vy, vz = Vz};
pull(B, [O | Rest], Dt, Vx, Vy, Vz) ->
    Dx = B#body.x - O#body.x,
    Dy = B#body.y - O#body.y,
    Dz = B#body.z - O#body.z,
    D2 = Dx * Dx + Dy * Dy + Dz * Dz,
    if
        D2 > 0.0 ->
            By = O#body.mass * Dt / (D2 * math:sqrt(D2)),
            pull(B, Rest, Dt, Vx - Dx * By, Vy - Dy * By, Vz - Dz * By);
        true -> pull(B, Rest, Dt, Vx, Vy, Vz)
    end.
move(B, Dt) ->
    B#body{x = B#body.x + Dt * B#body.vx, y = B#body.y + Dt * B#body.vy, z = B#body.z + Dt * B#body.vz}.
step(Bodies, Dt) -> [move(pull(B, Bodies, Dt, B#body.vx, B#body.vy, B#body.vz), Dt) || B <- Bodies].
run(Bodies, 0) -> Bodies;
run(Bodies, N) -> run(step(Bodies, 0.01), N - 1).
main(Args) ->
    N = bench:size(Args, 20000),
    bench:timed(fun() -> float_to_list(lists:sum([B#body.x || B <- run(system(), N)]), [{decimals, 6}]) end).
