package main

import (
	"bufio"
	"fmt"
	"os"
	"sync"
)

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

func holder(fill, filled, first chan int, begun *sync.WaitGroup) {
	var cells []chan message
	n := <-fill
	for i := 0; i < n; i++ {
		c := make(chan message)
		go cell(i, c, begun)
		cells = append(cells, c)
	}
	filled <- n
	<-fill
	if n == 0 {
		first <- 0
		return
	}
	reply := make(chan int)
	cells[n-1] <- message{reply: reply}
	first <- <-reply
}

func main() {
	n, count := number(0, 1000000), number(1, 1)
	filled, first := make(chan int), make(chan int)
	var begun sync.WaitGroup
	begun.Add(n / count * count)
	holders := make([]chan int, count)
	for i := range holders {
		holders[i] = make(chan int)
		go holder(holders[i], filled, first, &begun)
		holders[i] <- n / count
	}
	sum := 0
	for range holders {
		sum += <-filled
	}
	begun.Wait()
	fmt.Printf("ready %d\n", sum)
	bufio.NewReader(os.Stdin).ReadString('\n')
	sum = 0
	for _, h := range holders {
		h <- 0
		sum += <-first
	}
	fmt.Println(sum)
}
