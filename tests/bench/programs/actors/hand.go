package main

import "fmt"

type point struct{ x, y int }

type item struct {
	id   int
	at   *point
	name string
}

type take struct {
	items     []*item
	left, sum int
}

// The two share the slice; Go's users trust each other not to write to it.
func side(in, out chan take, score chan int) {
	for t := range in {
		if t.left == 0 {
			score <- t.sum
		} else {
			out <- take{t.items, t.left - 1, t.sum + t.items[0].id + t.items[0].at.y}
		}
	}
}

func main() {
	times := number(0, 1000)
	items := make([]*item, number(1, 10000))
	for i := range items {
		items[i] = &item{i, &point{i, i + 1}, fmt.Sprintf("item %d", i)}
	}
	timed(func() int {
		a, b, score := make(chan take), make(chan take), make(chan int)
		go side(a, b, score)
		go side(b, a, score)
		a <- take{items, times, 0}
		return <-score
	})
}
