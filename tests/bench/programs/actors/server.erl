%% Request and reply as OTP has it: a gen_server.
-module(server).
-behaviour(gen_server).
-export([main/1, init/1, handle_call/3, handle_cast/2]).
init(State) -> {ok, State}.
handle_call({next, N}, _From, State) -> {reply, N + 1, State}.
handle_cast(_, State) -> {noreply, State}.
ask(_, N, N) -> N;
ask(Adder, I, N) -> ask(Adder, gen_server:call(Adder, {next, I}), N).
run(N) ->
    {ok, Adder} = gen_server:start_link(?MODULE, none, []),
    ask(Adder, 0, N).
main(Args) ->
    N = bench:size(Args, 500000),
    bench:timed(fun() -> run(N) end).
