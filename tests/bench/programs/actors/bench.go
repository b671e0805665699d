// What the benchmark programs share: numbers from the command line, and timing of the work alone.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"
)

func number(at, otherwise int) int {
	if at+1 >= len(os.Args) {
		return otherwise
	}
	n, err := strconv.Atoi(os.Args[at+1])
	if err != nil {
		panic(err)
	}
	return n
}

func timed(work func() int) {
	start := time.Now()
	result := work()
	fmt.Printf("%d\nus %d\n", result, time.Since(start).Microseconds())
}
