-module(big).
-export([main/1]).
throw(Id, Peers, X, Left, Got, Sink) ->
    Next = (X * 75 + 74) rem 65537,
    element(Next rem tuple_size(Peers) + 1, Peers) ! {ping, self()},
    node(Id, Peers, Next, Left - 1, Got, Sink).
node(Id, Peers, X, Left, Got, Sink) ->
    receive
        {ping, From} -> From ! pong, node(Id, Peers, X, Left, Got + 1, Sink);
        pong when Left =:= 0 -> Sink ! finished, node(Id, Peers, X, Left, Got, Sink);
        pong -> throw(Id, Peers, X, Left, Got, Sink);
        {meet, All} -> throw(Id, list_to_tuple(All), X, Left, Got, Sink);
        {pings, From} -> From ! {pings, Got * Id}
    end.
run(N, Pings) ->
    Self = self(),
    Nodes = [spawn(fun() -> node(Id, {}, Id + 1, Pings, 0, Self) end) || Id <- lists:seq(0, N - 1)],
    [Node ! {meet, Nodes} || Node <- Nodes],
    [receive finished -> ok end || _ <- Nodes],
    [Node ! {pings, Self} || Node <- Nodes],
    lists:sum([receive {pings, P} -> P end || _ <- Nodes]).
main(Args) ->
    N = bench:number(Args, 0, 120),
    Pings = bench:number(Args, 1, 2000),
    bench:timed(fun() -> run(N, Pings) end).
