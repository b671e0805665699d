-module(sort).
-export([main/1]).
numbers(0, _, List) -> List;
numbers(N, Seed, List) ->
    Next = (Seed * 1103515245 + 12345) rem 2147483648,
    numbers(N - 1, Next, [Next | List]).
main(Args) ->
    N = bench:size(Args, 10000),
    bench:timed(fun() -> lists:foldl(fun(X, Sum) -> (Sum * 31 + X) rem 1000000007 end, 0, lists:sort(numbers(N, 42, []))) end).
