package main

import "sync"

type message struct {
	add   int
	reply chan int
}

func cell(value int, inbox chan message, begun *sync.WaitGroup) {
	begun.Done()
	for m := range inbox {
		if m.reply != nil {
			m.reply <- value
		} else {
			value += m.add
		}
	}
}

func main() {
	n := number(0, 200000)
	timed(func() int {
		var begun sync.WaitGroup
		begun.Add(n)
		var cells []chan message
		for i := 0; i < n; i++ {
			c := make(chan message)
			go cell(i, c, &begun)
			cells = append(cells, c)
		}
		begun.Wait()
		reply := make(chan int)
		cells[n-1] <- message{reply: reply}
		return <-reply + len(cells)
	})
}
