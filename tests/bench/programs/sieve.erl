-module(sieve).
-export([main/1]).
sieve([P | _] = Candidates, Limit, Found) when P * P > Limit -> lists:reverse(Found) ++ Candidates;
sieve([P | Rest], Limit, Found) -> sieve(lists:filter(fun(N) -> N rem P =/= 0 end, Rest), Limit, [P | Found]);
sieve([], _, Found) -> lists:reverse(Found).
main(Args) ->
    N = bench:size(Args, 200000),
    bench:timed(fun() -> length(sieve(lists:seq(2, N - 1), N, [])) end).
