-module(fib).
-export([main/1]).
fib(N) when N < 2 -> N;
fib(N) -> fib(N - 1) + fib(N - 2).
main(Args) ->
    N = bench:size(Args, 32),
    bench:timed(fun() -> fib(N) end).
