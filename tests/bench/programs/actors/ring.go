package main

func link(in, out, done chan int) {
	for hops := range in {
		if hops == 0 {
			done <- 0
		} else {
			out <- hops - 1
		}
	}
}

func main() {
	hops := number(0, 1000000)
	timed(func() int {
		first, done := make(chan int), make(chan int)
		out := first
		for i := 1; i < 503; i++ {
			in := make(chan int)
			go link(in, out, done)
			out = in
		}
		go link(first, out, done)
		first <- hops
		return <-done
	})
}
