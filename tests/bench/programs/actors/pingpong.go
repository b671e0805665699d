package main

func side(in, out chan int, last int, score chan int) {
	for count := range in {
		if count == last {
			score <- count
		} else {
			out <- count + 1
		}
	}
}

func main() {
	rounds := number(0, 100000)
	timed(func() int {
		ping, pong, score := make(chan int), make(chan int), make(chan int)
		go side(ping, pong, 2*rounds, score)
		go side(pong, ping, 2*rounds, score)
		ping <- 0
		return <-score
	})
}
