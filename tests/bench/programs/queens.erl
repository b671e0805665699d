-module(queens).
-export([main/1]).
put_all(Row, C, N, {Columns, Falling, Rising}, X) ->
    atomics:put(Columns, C + 1, X),
    atomics:put(Falling, Row + C + 1, X),
    atomics:put(Rising, Row - C + N + 1, X).
taken(Row, C, N, {Columns, Falling, Rising}) ->
    atomics:get(Columns, C + 1) + atomics:get(Falling, Row + C + 1) + atomics:get(Rising, Row - C + N + 1).
place(N, N, _) -> 1;
place(Row, N, Board) -> columns(0, Row, N, Board, 0).
columns(N, _, N, _, Found) -> Found;
columns(C, Row, N, Board, Found) ->
    case taken(Row, C, N, Board) of
        0 ->
            put_all(Row, C, N, Board, 1),
            More = place(Row + 1, N, Board),
            put_all(Row, C, N, Board, 0),
            columns(C + 1, Row, N, Board, Found + More);
        _ -> columns(C + 1, Row, N, Board, Found)
    end.
main(Args) ->
    N = bench:size(Args, 8),
    bench:timed(fun() -> place(0, N, {atomics:new(N, []), atomics:new(2 * N, []), atomics:new(2 * N + 1, [])}) end).
