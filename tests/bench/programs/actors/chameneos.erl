-module(chameneos).
-export([main/1]).
blend(C, C) -> C;
blend(red, yellow) -> blue;
blend(yellow, red) -> blue;
blend(blue, yellow) -> red;
blend(yellow, blue) -> red;
blend(blue, red) -> yellow;
blend(red, blue) -> yellow.
creature(Colour, Mall, Meetings) ->
    Mall ! {arrive, self(), Colour},
    receive
        {met, Other, Theirs} ->
            Both = blend(Colour, Theirs),
            Other ! {turned, Both},
            creature(Both, Mall, Meetings + 1);
        {turned, To} -> creature(To, Mall, Meetings + 1);
        closed -> Mall ! {count, Meetings}
    end.
mall(0, 0, _, Sum) -> Sum;
mall(Away, Left, Waiting, Sum) ->
    receive
        {arrive, Who, _} when Left =:= 0 -> Who ! closed, mall(Away, Left, Waiting, Sum);
        {arrive, Who, _} when Waiting =:= none -> mall(Away, Left, Who, Sum);
        {arrive, Who, Colour} -> Waiting ! {met, Who, Colour}, mall(Away, Left - 1, none, Sum);
        {count, N} -> mall(Away - 1, Left, Waiting, Sum + N)
    end.
run(Creatures, Meetings) ->
    Self = self(),
    [spawn(fun() -> creature(element(I rem 3 + 1, {blue, red, yellow}), Self, 0) end) || I <- lists:seq(0, Creatures - 1)],
    mall(Creatures, Meetings, none, 0).
main(Args) ->
    Creatures = bench:number(Args, 0, 100),
    Meetings = bench:number(Args, 1, 100000),
    bench:timed(fun() -> run(Creatures, Meetings) end).
