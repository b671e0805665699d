-module(park).
-export([main/1]).
cell(Value) ->
    receive
        {add, K} -> cell(Value + K);
        {get, From} -> From ! {value, Value}, cell(Value)
    end.
run(N) ->
    Cells = lists:foldl(fun(I, Cells) -> [spawn(fun() -> cell(I) end) | Cells] end, [], lists:seq(0, N - 1)),
    hd(Cells) ! {get, self()},
    Answer = receive {value, V} -> V end,
    Answer + length(Cells).
main(Args) ->
    N = bench:size(Args, 200000),
    bench:timed(fun() -> run(N) end).
