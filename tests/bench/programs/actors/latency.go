package main

import (
	"fmt"
	"math/bits"
	"os"
	"time"
)

type request struct {
	n     int
	reply chan int
}

func echo(requests chan request) {
	for r := range requests {
		r.reply <- r.n + 1
	}
}

type pair struct{ a, b int }

func pairs(start, n int) []*pair {
	ps := make([]*pair, n)
	for i := range ps {
		ps[i] = &pair{start + i, start + i + 1}
	}
	return ps
}

func spin() {
	for n := 1; n != 0x10000; n = (n*75 + 74) % 65537 { // never
	}
}

func garbage() {
	for sum := 0; sum >= 0; {
		for _, p := range pairs(0, 1000) {
			sum = (sum + p.b) % 65537
		}
	}
}

// 1 MB: a pointer and a pair of two words for each item.
func piece(start int) []*pair { return pairs(start, 43690) }

func hoard(pieces int, built chan bool) {
	held := map[int][]*pair{}
	for i := 0; i < pieces; i++ {
		held[i] = piece(i)
	}
	built <- true
	for i := 0; ; i++ {
		held[i%pieces] = piece(i)
	}
}

func neighbours(kind string, count int) {
	switch kind {
	case "spin":
		for i := 0; i < count; i++ {
			go spin()
		}
	case "garbage":
		for i := 0; i < count; i++ {
			go garbage()
		}
	case "heap":
		built := make(chan bool)
		go hoard(count, built)
		<-built
	}
}

// A histogram: times up to 64 ns exactly, beyond that 32 steps for each power of two.

func bucket(ns int) int {
	power := 0
	if ns >= 64 {
		power = bits.Len(uint(ns)) - 6
	}
	return power*32 + ns>>power
}

func upper(b int) int {
	if b < 64 {
		return b
	}
	return (b%32+33)<<(b/32-1) - 1
}

func percentile(buckets []int, of, in1000 int) int {
	wanted, seen := (of*in1000+999)/1000, 0
	for b, n := range buckets {
		seen += n
		if seen >= wanted && seen > 0 {
			return upper(b)
		}
	}
	return 0
}

func main() {
	requests := make(chan request)
	go echo(requests)
	limit := time.Duration(number(2, 1000)) * time.Millisecond
	neighbours(os.Args[1], number(1, 100))
	buckets := make([]int, 2048)
	reply := make(chan int, 1)
	n, wrong, longest := 0, 0, 0
	begin := time.Now()
	for now := begin; now.Sub(begin) < limit; {
		before := time.Now()
		requests <- request{n, reply}
		answer := <-reply
		now = time.Now()
		ns := int(now.Sub(before))
		buckets[bucket(ns)]++
		if ns > longest {
			longest = ns
		}
		n++
		if answer != n {
			wrong++
		}
	}
	fmt.Printf("%d\nrequests %d\n", wrong, n)
	fmt.Printf("p50 %d\np99 %d\np999 %d\nmax %d\nend\n", percentile(buckets, n, 500), percentile(buckets, n, 990), percentile(buckets, n, 999), longest)
}
