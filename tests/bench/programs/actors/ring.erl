-module(ring).
-export([main/1]).
link(Next, Done) ->
    receive
        {join, N} -> link(N, Done);
        {token, 0} -> Done ! finished, link(Next, Done);
        {token, Hops} -> Next ! {token, Hops - 1}, link(Next, Done)
    end.
run(Hops) ->
    Self = self(),
    Last = spawn(fun() -> link(none, Self) end),
    First = lists:foldl(fun(_, Next) -> spawn(fun() -> link(Next, Self) end) end, Last, lists:seq(1, 502)),
    Last ! {join, First},
    First ! {token, Hops},
    receive finished -> 0 end.
main(Args) ->
    N = bench:size(Args, 1000000),
    bench:timed(fun() -> run(N) end).
