-module(nqueens).
-export([main/1]).
place(All, All, _, _) -> 1;
place(All, Columns, Left, Right) ->
    try_all(All band bnot (Columns bor Left bor Right), All, Columns, Left, Right, 0).
try_all(0, _, _, _, _, Found) -> Found;
try_all(Free, All, Columns, Left, Right, Found) ->
    Bit = Free band -Free,
    More = place(All, Columns bor Bit, (Left bor Bit) bsl 1, (Right bor Bit) bsr 1),
    try_all(Free bxor Bit, All, Columns, Left, Right, Found + More).
main(Args) ->
    N = bench:size(Args, 11),
    bench:timed(fun() -> place((1 bsl N) - 1, 0, 0, 0) end).
