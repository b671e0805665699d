package main

type kind int

const (
	meet kind = iota
	ping
	pong
	pings
)

type message struct {
	kind  kind
	from  chan message
	all   []chan message
	reply chan int
}

// An inbox has room for a ping of each node and two more, so nobody waits for another in a ring.
func node(id, left int, inbox chan message, finished chan bool) {
	var peers []chan message
	x, got := id+1, 0
	throw := func() {
		left--
		x = (x*75 + 74) % 65537
		peers[x%len(peers)] <- message{kind: ping, from: inbox}
	}
	for m := range inbox {
		switch m.kind {
		case meet:
			peers = m.all
			throw()
		case ping:
			got++
			m.from <- message{kind: pong}
		case pong:
			if left == 0 {
				finished <- true
			} else {
				throw()
			}
		case pings:
			m.reply <- got * id
		}
	}
}

func main() {
	n, rounds := number(0, 120), number(1, 2000)
	timed(func() int {
		finished := make(chan bool)
		nodes := make([]chan message, n)
		for id := range nodes {
			nodes[id] = make(chan message, n+2)
			go node(id, rounds, nodes[id], finished)
		}
		for _, c := range nodes {
			c <- message{kind: meet, all: nodes}
		}
		for range nodes {
			<-finished
		}
		sum, reply := 0, make(chan int)
		for _, c := range nodes {
			c <- message{kind: pings, reply: reply}
			sum += <-reply
		}
		return sum
	})
}
