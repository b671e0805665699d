package main

import "sync"

func work(n int) int { return n * n % 1000 }

func main() {
	n := number(0, 100000)
	timed(func() int {
		results := make([]int, n)
		var done sync.WaitGroup
		done.Add(n)
		for i := 0; i < n; i++ {
			go func(i int) {
				results[i] = work(i)
				done.Done()
			}(i)
		}
		done.Wait()
		sum := 0
		for _, r := range results {
			sum += r
		}
		return sum
	})
}
