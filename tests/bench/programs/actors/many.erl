-module(many).
-export([main/1]).
sender(_, N, N) -> ok;
sender(To, I, N) -> To ! {value, I}, sender(To, I + 1, N).
collect(Sum, 0) -> Sum;
collect(Sum, Left) -> receive {value, N} -> collect(Sum + N, Left - 1) end.
run(N, Senders) ->
    Each = N div Senders,
    Self = self(),
    [spawn(fun() -> sender(Self, 0, Each) end) || _ <- lists:seq(1, Senders)],
    collect(0, Each * Senders).
main(Args) ->
    N = bench:number(Args, 0, 400000),
    Senders = bench:number(Args, 1, 4),
    bench:timed(fun() -> run(N, Senders) end).
