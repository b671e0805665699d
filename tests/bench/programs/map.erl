-module(map).
-export([main/1]).
next(Key) -> Key * 1103515245 rem 2147483647.
fill(N, N, _, M) -> M;
fill(I, N, Key0, M) -> Key = next(Key0), fill(I + 1, N, Key, M#{Key => I}).
sum(0, _, _, Sum) -> Sum;
sum(N, Key0, M, Sum) -> Key = next(Key0), sum(N - 1, Key, M, Sum + maps:get(Key, M, 0)).
main(Args) ->
    N = bench:size(Args, 100000),
    bench:timed(fun() -> sum(N, 1, fill(0, N, 1, #{}), 0) end).
