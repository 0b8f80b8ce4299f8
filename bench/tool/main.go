// The two ends of a measurement, in one program that is faster than what stands between them:
// `bench backend` is a scripted OpenAI server, `bench load` asks and measures.
package main

import (
	"fmt"
	"os"
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "backend":
			serveBackend()
			return
		case "load":
			runLoad(os.Args[2:])
			return
		}
	}
	fmt.Fprintln(os.Stderr, "usage: bench backend | bench load …")
	os.Exit(2)
}
