-module(primes).
-export([main/1]).
mark(K, N, _, _) when K >= N -> ok;
mark(K, N, I, Composite) ->
    atomics:put(Composite, K + 1, 1),
    mark(K + I, N, I, Composite).
count(I, N, _, Found) when I >= N -> Found;
count(I, N, Composite, Found) ->
    case atomics:get(Composite, I + 1) of
        0 -> mark(I * I, N, I, Composite), count(I + 1, N, Composite, Found + 1);
        _ -> count(I + 1, N, Composite, Found)
    end.
main(Args) ->
    N = bench:size(Args, 100000),
    bench:timed(fun() -> count(2, N, atomics:new(N, [{signed, true}]), 0) end).
