-module(forkjoin).
-export([main/1]).
work(N) -> N * N rem 1000.
run(N) ->
    Self = self(),
    [spawn(fun() -> Self ! {done, work(I)} end) || I <- lists:seq(0, N - 1)],
    collect(N, 0).
collect(0, Sum) -> Sum;
collect(Left, Sum) -> receive {done, R} -> collect(Left - 1, Sum + R) end.
main(Args) ->
    N = bench:size(Args, 100000),
    bench:timed(fun() -> run(N) end).
