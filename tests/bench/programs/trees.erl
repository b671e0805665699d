-module(trees).
-export([main/1]).
make(0) -> leaf;
make(Depth) -> {make(Depth - 1), make(Depth - 1)}.
count(leaf) -> 1;
count({L, R}) -> 1 + count(L) + count(R).
repeat(0, _, Total) -> Total;
repeat(N, Depth, Total) -> repeat(N - 1, Depth, Total + count(make(Depth))).
depths(D, Depth, Total) when D > Depth -> Total;
depths(D, Depth, Total) -> depths(D + 2, Depth, repeat(1 bsl (Depth - D + 4), D, Total)).
main(Args) ->
    N = bench:size(Args, 14),
    bench:timed(fun() -> Kept = make(N), depths(4, N, 0) + count(Kept) end).
