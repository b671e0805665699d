package main

func main() {
	n, senders := number(0, 400000), number(1, 4)
	timed(func() int {
		sum, total := make(chan int, 1024), make(chan int)
		go func() {
			t := 0
			for i := 0; i < n/senders*senders; i++ {
				t += <-sum
			}
			total <- t
		}()
		for s := 0; s < senders; s++ {
			go func() {
				for i := 0; i < n/senders; i++ {
					sum <- i
				}
			}()
		}
		return <-total
	})
}
