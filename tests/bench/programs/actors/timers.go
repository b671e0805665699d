package main

import (
	"fmt"
	"sync"
	"time"
)

func main() {
	n := number(0, 100000)
	alarms := make([]*time.Timer, n)
	start := time.Now()
	for i := range alarms {
		alarms[i] = time.AfterFunc(time.Hour, func() {})
	}
	then := time.Now()
	for _, a := range alarms {
		a.Stop()
	}
	middle := time.Now()
	var fired sync.WaitGroup
	fired.Add(n)
	for i := 0; i < n; i++ {
		time.AfterFunc(time.Millisecond, fired.Done)
	}
	fired.Wait()
	end := time.Now()
	fmt.Printf("(%d, 0, %d)\n", n, n)
	fmt.Printf("set %d\n", then.Sub(start).Microseconds())
	fmt.Printf("cancel %d\n", middle.Sub(then).Microseconds())
	fmt.Printf("fire %d\n", end.Sub(middle).Microseconds())
}
