%% What the benchmark programs share: numbers from the command line, and timing of the work alone.
-module(bench).
-export([number/3, size/2, timed/1]).
number(Args, At, _) when length(Args) > At -> list_to_integer(lists:nth(At + 1, Args));
number(_, _, Default) -> Default.
size(Args, Default) -> number(Args, 0, Default).
timed(Work) ->
    Start = erlang:monotonic_time(microsecond),
    Result = Work(),
    End = erlang:monotonic_time(microsecond),
    io:format("~p~nus ~p~n", [Result, End - Start]),
    halt(0).
