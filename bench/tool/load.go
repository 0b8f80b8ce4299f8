package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// A summary is what `bench load` prints: times in microseconds.
type summary struct {
	Requests  int     `json:"requests"`
	Errors    int     `json:"errors"`
	Error     string  `json:"error"`
	Seconds   float64 `json:"seconds"`
	Frames    int     `json:"frames"`
	Bytes     int     `json:"bytes"`
	LatencyUs spread  `json:"latency_us"`
	FirstUs   spread  `json:"first_us"`
	JitterUs  spread  `json:"jitter_us"`
	ClosedUs  *spread `json:"closed_us,omitempty"`
}

type spread struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	Max float64 `json:"max"`
}

func runLoad(arguments []string) {
	flags := flag.NewFlagSet("load", flag.ExitOnError)
	address := flags.String("address", "", "host:port")
	path := flags.String("path", "/api/chat", "where to ask")
	file := flags.String("body", "", "file that holds the body")
	mark := flags.String("mark", "", "what a whole answer holds near its end")
	count := flags.Int("requests", 100, "how many")
	width := flags.Int("connections", 1, "how many at a time")
	ramp := flags.Duration("ramp", 0, "time over which the connections begin")
	pace := flags.Duration("pace", 0, "time between two chunks of the backend, to measure jitter")
	leave := flags.String("leave", "", "address of the backend: leave after the first bytes, and ask it when it saw that")
	_ = flags.Parse(arguments)
	body, err := os.ReadFile(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	sent := request(*address, *path, body)
	var left int64 = int64(*count)
	var guard sync.Mutex
	var result summary
	var latencies, firsts, jitters, closed []float64
	var workers sync.WaitGroup
	began := time.Now()
	for worker := 0; worker < *width; worker++ {
		workers.Add(1)
		go func(worker int) {
			defer workers.Done()
			time.Sleep(*ramp * time.Duration(worker) / time.Duration(*width))
			connection := client{address: *address}
			defer connection.close()
			for atomic.AddInt64(&left, -1) >= 0 {
				seen, err := connection.ask(sent, []byte(*mark), *leave != "", *pace > 0)
				departed := time.Now().UnixNano()
				if err == nil && *leave != "" {
					var at float64
					if at, err = sawClosing(*leave); err == nil {
						closed = append(closed, at-float64(departed)/1e3)
					}
				}
				guard.Lock()
				result.Requests++
				result.Frames += seen.frames
				result.Bytes += seen.bytes
				if err != nil {
					result.Errors++
					result.Error = err.Error()
				} else {
					latencies = append(latencies, micro(seen.whole))
					firsts = append(firsts, micro(seen.first))
					for _, gap := range seen.gaps {
						jitters = append(jitters, max(micro(gap-*pace), micro(*pace-gap)))
					}
				}
				guard.Unlock()
			}
		}(worker)
	}
	workers.Wait()
	result.Seconds = time.Since(began).Seconds()
	result.LatencyUs, result.FirstUs, result.JitterUs = spreadOf(latencies), spreadOf(firsts), spreadOf(jitters)
	if *leave != "" {
		told := spreadOf(closed)
		result.ClosedUs = &told
	}
	_ = json.NewEncoder(os.Stdout).Encode(result)
}

func micro(one time.Duration) float64 { return float64(one.Nanoseconds()) / 1e3 }

func spreadOf(values []float64) spread {
	if len(values) == 0 {
		return spread{}
	}
	sort.Float64s(values)
	at := func(share float64) float64 { return values[int(share*float64(len(values)-1))] }
	return spread{at(0.5), at(0.95), values[len(values)-1]}
}

// sawClosing gives the time, in microseconds since 1970, at which the backend saw its client leave.
func sawClosing(address string) (float64, error) {
	told, err := http.Get("http://" + address + "/closing")
	if err != nil {
		return 0, err
	}
	defer told.Body.Close()
	text, _ := io.ReadAll(told.Body)
	at, err := strconv.ParseInt(string(text), 10, 64)
	if err == nil && at == 0 {
		err = fmt.Errorf("the backend was not told that the client had left")
	}
	return float64(at) / 1e3, err
}
