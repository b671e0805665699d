package main

type request struct {
	n     int
	reply chan int
}

func adder(requests chan request) {
	for r := range requests {
		r.reply <- r.n + 1
	}
}

func main() {
	n := number(0, 500000)
	timed(func() int {
		requests := make(chan request)
		go adder(requests)
		reply := make(chan int, 1)
		i := 0
		for i < n {
			requests <- request{i, reply}
			i = <-reply
		}
		return i
	})
}
