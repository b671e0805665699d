-module(timers).
-export([main/1]).
await(0) -> ok;
await(Left) -> receive fired -> await(Left - 1) end.
main(Args) ->
    N = bench:size(Args, 100000),
    Now = fun() -> erlang:monotonic_time(microsecond) end,
    Start = Now(),
    Alarms = [erlang:send_after(3600000, self(), fired) || _ <- lists:seq(1, N)],
    Then = Now(),
    [erlang:cancel_timer(A) || A <- Alarms],
    Middle = Now(),
    [erlang:send_after(1, self(), fired) || _ <- lists:seq(1, N)],
    await(N),
    End = Now(),
    io:format("(~p, 0, ~p)~nset ~p~ncancel ~p~nfire ~p~n", [length(Alarms), N, Then - Start, Middle - Then, End - Middle]),
    halt(0).
