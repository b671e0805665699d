-module(words).
-export([main/1]).
count(Lines) ->
    lists:foldl(fun(Line, M) ->
        lists:foldl(fun(W, M1) -> maps:update_with(W, fun(N) -> N + 1 end, 1, M1) end, M,
                    binary:split(string:lowercase(Line), [<<" ">>, <<"\t">>], [global, trim_all]))
    end, #{}, Lines).
chunk([], _) -> [];
chunk(L, N) when length(L) =< N -> [L];
chunk(L, N) -> {A, B} = lists:split(N, L), [A | chunk(B, N)].
run(Text) ->
    Self = self(),
    Lines = binary:split(Text, <<"\n">>, [global]),
    Refs = [begin Ref = make_ref(), spawn(fun() -> Self ! {Ref, count(C)} end), Ref end || C <- chunk(Lines, 2000)],
    Maps = [receive {Ref, M} -> M end || Ref <- Refs],
    Totals = lists:foldl(fun(M, Acc) -> maps:merge_with(fun(_, A, B) -> A + B end, M, Acc) end, #{}, Maps),
    Top = lists:sublist(lists:sort([{-N, W} || {W, N} <- maps:to_list(Totals)]), 3),
    lists:flatten(lists:join(" ", [io_lib:format("~s ~p", [W, -N]) || {N, W} <- Top])).
main([Path | _]) ->
    {ok, Text} = file:read_file(Path),
    bench:timed(fun() -> run(Text) end).
