-module(request).
-export([main/1]).
adder() ->
    receive {next, From, Ref, N} -> From ! {Ref, N + 1}, adder() end.
ask(_, N, N) -> N;
ask(Adder, I, N) ->
    Ref = make_ref(),
    Adder ! {next, self(), Ref, I},
    receive {Ref, Answer} -> ask(Adder, Answer, N) end.
main(Args) ->
    N = bench:size(Args, 500000),
    bench:timed(fun() -> ask(spawn(fun adder/0), 0, N) end).
