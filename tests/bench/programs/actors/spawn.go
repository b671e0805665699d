package main

func cell(n int, inbox chan chan<- int) {
	to := <-inbox
	to <- n
}

func main() {
	n := number(0, 200000)
	timed(func() int {
		sum, total := make(chan int, 1024), make(chan int)
		go func() {
			t := 0
			for i := 0; i < n; i++ {
				t += <-sum
			}
			total <- t
		}()
		for i := 0; i < n; i++ {
			c := make(chan chan<- int, 1)
			go cell(i, c)
			c <- sum
		}
		return <-total
	})
}
