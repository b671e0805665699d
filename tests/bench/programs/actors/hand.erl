-module(hand).
-export([main/1]).
side(Other, Score) ->
    receive
        {take, _, 0, Sum} -> Score ! {over, Sum};
        {take, [{Id, {_, Y}, _} | _] = Items, Left, Sum} ->
            Other ! {take, Items, Left - 1, Sum + Id + Y},
            side(Other, Score)
    end.
start(Score) -> receive {meet, Other} -> side(Other, Score) end.
run(Items, Times) ->
    Self = self(),
    A = spawn(fun() -> start(Self) end),
    B = spawn(fun() -> start(Self) end),
    A ! {meet, B},
    B ! {meet, A},
    A ! {take, Items, Times, 0},
    receive {over, Sum} -> Sum end.
main(Args) ->
    Times = bench:number(Args, 0, 1000),
    Items = [{I, {I, I + 1}, iolist_to_binary(["item ", integer_to_list(I)])} || I <- lists:seq(0, bench:number(Args, 1, 10000) - 1)],
    bench:timed(fun() -> run(Items, Times) end).
