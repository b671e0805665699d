-module(latency).
-export([main/1]).
echo() -> receive {next, From, Ref, N} -> From ! {Ref, N + 1}, echo() end.
spin(N) -> spin((N * 75 + 74) rem 65537).
garbage(Sum) ->
    Pairs = [{I, I + 1} || I <- lists:seq(0, 999)],
    garbage(lists:foldl(fun({_, B}, Acc) -> (Acc + B) rem 65537 end, Sum, Pairs)).
%% 1 MB of list: a cell of two words and a pair of three for each item.
piece(Start) -> [{I, I + 1} || I <- lists:seq(Start, Start + 26214 - 1)].
hoard(Pieces, From) ->
    Held = maps:from_list([{I, piece(I)} || I <- lists:seq(0, Pieces - 1)]),
    From ! built,
    churn(Held, Pieces, 0).
churn(Held, Pieces, I) -> churn(Held#{I rem Pieces => piece(I)}, Pieces, I + 1).
neighbours("spin", Count) -> [spawn(fun() -> spin(0) end) || _ <- lists:seq(1, Count)];
neighbours("garbage", Count) -> [spawn(fun() -> garbage(0) end) || _ <- lists:seq(1, Count)];
neighbours("heap", Count) ->
    Self = self(),
    spawn(fun() -> hoard(Count, Self) end),
    receive built -> ok end;
neighbours(_, _) -> none.
%% A histogram: times up to 64 ns exactly, beyond that 32 steps for each power of two.
bucket(Steps, Power) when Steps >= 64 -> bucket(Steps bsr 1, Power + 1);
bucket(Steps, Power) -> Power * 32 + Steps.
upper(B) when B < 64 -> B;
upper(B) -> ((B rem 32 + 33) bsl (B div 32 - 1)) - 1.
percentile(Buckets, Of, In1000) -> percentile(Buckets, max((Of * In1000 + 999) div 1000, 1), 0, 0).
percentile(Buckets, Wanted, Seen, At) ->
    case Seen + counters:get(Buckets, At + 1) of
        Now when Now >= Wanted -> upper(At);
        Now -> percentile(Buckets, Wanted, Now, At + 1)
    end.
ask(_, _, Begin, Limit, Before, N, Wrong, Longest) when Before - Begin >= Limit -> {N, Wrong, Longest};
ask(Echo, Buckets, Begin, Limit, _, N, Wrong, Longest) ->
    Before = erlang:monotonic_time(nanosecond),
    Ref = make_ref(),
    Echo ! {next, self(), Ref, N},
    Answer = receive {Ref, A} -> A end,
    Now = erlang:monotonic_time(nanosecond),
    counters:add(Buckets, bucket(Now - Before, 0) + 1, 1),
    ask(Echo, Buckets, Begin, Limit, Now, N + 1, if Answer =:= N + 1 -> Wrong; true -> Wrong + 1 end, max(Longest, Now - Before)).
main([Kind | Args]) ->
    Echo = spawn(fun echo/0),
    Limit = bench:number(Args, 1, 1000) * 1000000,
    neighbours(Kind, bench:number(Args, 0, 100)),
    Buckets = counters:new(2048, []),
    Begin = erlang:monotonic_time(nanosecond),
    {N, Wrong, Longest} = ask(Echo, Buckets, Begin, Limit, Begin, 0, 0, 0),
    P = fun(In1000) -> percentile(Buckets, N, In1000) end,
    io:format("~p~nrequests ~p~np50 ~p~np99 ~p~np999 ~p~nmax ~p~nend~n", [Wrong, N, P(500), P(990), P(999), Longest]),
    halt(0).
