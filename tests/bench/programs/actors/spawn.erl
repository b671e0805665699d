-module(spawn).
-export([main/1]).
cell(N) -> receive {report, To} -> To ! {value, N} end.
collect(0, Sum) -> Sum;
collect(Left, Sum) -> receive {value, N} -> collect(Left - 1, Sum + N) end.
run(N) ->
    Self = self(),
    [spawn(fun() -> cell(I) end) ! {report, Self} || I <- lists:seq(0, N - 1)],
    collect(N, 0).
main(Args) ->
    N = bench:size(Args, 200000),
    bench:timed(fun() -> run(N) end).
