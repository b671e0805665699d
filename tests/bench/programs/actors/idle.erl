-module(idle).
-export([main/1]).
cell(Value) ->
    receive
        {add, K} -> cell(Value + K);
        {get, From} -> From ! {value, Value}, cell(Value);
        hibernate -> erlang:hibernate(erlang, apply, [fun cell/1, [Value]])
    end.
fill(Cells, N, N) -> Cells;
fill(Cells, I, N) -> fill([spawn(fun() -> cell(I) end) | Cells], I + 1, N).
holder(Cells) ->
    receive
        {fill, From, N} -> Filled = fill(Cells, 0, N), From ! {filled, N}, holder(Filled);
        {first, From} when Cells =:= [] -> From ! {first, 0}, holder(Cells);
        {first, From} -> hd(Cells) ! {get, self()}, receive {value, V} -> From ! {first, V} end, holder(Cells);
        {hibernate, From} -> [C ! hibernate || C <- Cells], From ! hibernated, holder(Cells)
    end.
settle() ->
    case erlang:statistics(total_run_queue_lengths) of
        0 -> ok;
        _ -> timer:sleep(10), settle()
    end.
main(Args) ->
    N = bench:number(Args, 0, 1000000),
    Count = bench:number(Args, 1, 1),
    Holders = [spawn(fun() -> holder([]) end) || _ <- lists:seq(1, Count)],
    [H ! {fill, self(), N div Count} || H <- Holders],
    Filled = lists:sum([receive {filled, K} -> K end || _ <- Holders]),
    case Args of
        [_, _, "hibernate"] ->
            [H ! {hibernate, self()} || H <- Holders],
            [receive hibernated -> ok end || _ <- Holders],
            settle();
        _ -> ok
    end,
    io:format("ready ~p~n", [Filled]),
    io:get_line(""),
    [H ! {first, self()} || H <- Holders],
    io:format("~p~n", [lists:sum([receive {first, V} -> V end || _ <- Holders])]),
    halt(0).
