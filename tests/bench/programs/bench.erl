%% What the benchmark programs share: the size from the command line, and timing of the work alone.
-module(bench).
-export([size/2, timed/1]).
size([S | _], _) -> list_to_integer(S);
size([], Default) -> Default.
timed(Work) ->
    Start = erlang:monotonic_time(microsecond),
    Result = Work(),
    End = erlang:monotonic_time(microsecond),
    io:format("~p~nus ~p~n", [Result, End - Start]),
    halt(0).
