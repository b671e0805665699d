-module(spectral).
-export([main/1]).
entry(I, J) -> 1.0 / ((I + J) * (I + J + 1) div 2 + I + 1).
row(_, _, [], Sum) -> Sum;
row(I, J, [X | V], Sum) -> row(I, J + 1, V, Sum + entry(I, J) * X).
column(_, _, [], Sum) -> Sum;
column(I, J, [X | V], Sum) -> column(I, J + 1, V, Sum + entry(J, I) * X).
multiply(V, N) -> [row(I, 0, V, 0.0) || I <- lists:seq(0, N - 1)].
multiply_transposed(V, N) -> [column(I, 0, V, 0.0) || I <- lists:seq(0, N - 1)].
steps(0, _, U, V) -> {U, V};
steps(K, N, U, _) ->
    V = multiply_transposed(multiply(U, N), N),
    steps(K - 1, N, multiply_transposed(multiply(V, N), N), V).
dot(A, B) -> lists:sum([X * Y || {X, Y} <- lists:zip(A, B)]).
norm(N) ->
    {U, V} = steps(10, N, lists:duplicate(N, 1.0), []),
    math:sqrt(dot(U, V) / dot(V, V)).
main(Args) ->
    N = bench:size(Args, 100),
    bench:timed(fun() -> float_to_list(norm(N), [{decimals, 9}]) end).
