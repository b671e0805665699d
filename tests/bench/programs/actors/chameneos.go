package main

type colour int

const (
	blue colour = iota
	red
	yellow
)

type kind int

const (
	met kind = iota
	turned
	closed
)

type message struct {
	kind   kind
	colour colour
	other  chan message
}

type arrival struct {
	who    chan message
	colour colour
}

func blend(a, b colour) colour {
	switch {
	case a == b:
		return a
	case a != blue && b != blue:
		return blue
	case a != red && b != red:
		return red
	default:
		return yellow
	}
}

func creature(c colour, mall chan arrival, counts chan int) {
	inbox := make(chan message, 1)
	for meetings := 0; ; meetings++ {
		mall <- arrival{inbox, c}
		m := <-inbox
		switch m.kind {
		case met:
			c = blend(c, m.colour)
			m.other <- message{kind: turned, colour: c}
		case turned:
			c = m.colour
		case closed:
			counts <- meetings
			return
		}
	}
}

func place(left int, mall chan arrival) {
	var waiting chan message
	for a := range mall {
		switch {
		case left == 0:
			a.who <- message{kind: closed}
		case waiting == nil:
			waiting = a.who
		default:
			waiting <- message{met, a.colour, a.who}
			waiting = nil
			left--
		}
	}
}

func main() {
	creatures, meetings := number(0, 100), number(1, 100000)
	timed(func() int {
		mall, counts := make(chan arrival, creatures), make(chan int)
		go place(meetings, mall)
		for i := 0; i < creatures; i++ {
			go creature(colour(i%3), mall, counts)
		}
		sum := 0
		for i := 0; i < creatures; i++ {
			sum += <-counts
		}
		return sum
	})
}
