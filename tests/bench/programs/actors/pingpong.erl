-module(pingpong).
-export([main/1]).
side(Other, Last, Score) ->
    receive
        {ball, Last} -> Score ! {over, Last};
        {ball, Count} -> Other ! {ball, Count + 1}, side(Other, Last, Score)
    end.
start(Last, Score) -> receive {meet, Other} -> side(Other, Last, Score) end.
run(Rounds) ->
    Self = self(),
    Ping = spawn(fun() -> start(2 * Rounds, Self) end),
    Pong = spawn(fun() -> start(2 * Rounds, Self) end),
    Ping ! {meet, Pong},
    Pong ! {meet, Ping},
    Ping ! {ball, 0},
    receive {over, Count} -> Count end.
main(Args) ->
    Rounds = bench:size(Args, 100000),
    bench:timed(fun() -> run(Rounds) end).
