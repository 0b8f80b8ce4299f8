package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// A script is what a model of this name answers: so many chunks, one every so often.
type script struct {
	chunks int
	every  time.Duration
}

var scripts = map[string]script{
	"answer":  {8, 0},
	"flood":   {400, 0},
	"long":    {20000, 0},
	"paced":   {20, 200 * time.Millisecond},
	"endless": {1 << 30, 10 * time.Millisecond},
	"vectors": {0, 0},
}

const dimensions = 1024

// closings tells when a client of the backend left in the middle of an answer.
var closings = make(chan int64, 1024)

func serveBackend() {
	routes := http.NewServeMux()
	routes.HandleFunc("/v1/models", models)
	routes.HandleFunc("/v1/chat/completions", completions)
	routes.HandleFunc("/v1/embeddings", embeddings)
	routes.HandleFunc("/closing", closing)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	log.Fatal(http.Serve(listener, routes))
}

func models(answer http.ResponseWriter, _ *http.Request) {
	entries := make([]string, 0, len(scripts))
	for name := range scripts {
		entries = append(entries, fmt.Sprintf(`{"id":%q,"object":"model","created":1700000000,"owned_by":"bench"}`, name))
	}
	answer.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(answer, `{"object":"list","data":[%s]}`, strings.Join(entries, ","))
}

// member is the text that follows `"name":` in JSON of our own making; nothing large is decoded.
func member(body []byte, name string) []byte {
	at := bytes.Index(body, []byte(`"`+name+`":`))
	if at < 0 {
		return nil
	}
	rest := bytes.TrimLeft(body[at+len(name)+3:], " ")
	if end := bytes.IndexAny(rest, ",}"); end >= 0 {
		rest = rest[:end]
	}
	return bytes.Trim(rest, `" `)
}

// read takes the whole body in one allocation.
func read(request *http.Request) []byte {
	if request.ContentLength < 0 {
		body, _ := io.ReadAll(request.Body)
		return body
	}
	body := make([]byte, request.ContentLength)
	_, _ = io.ReadFull(request.Body, body)
	return body
}

func completions(answer http.ResponseWriter, request *http.Request) {
	body := read(request)
	name := string(member(body, "model"))
	told, known := scripts[strings.TrimSuffix(name, ":latest")]
	if !known {
		http.Error(answer, `{"error":{"message":"no such model"}}`, http.StatusNotFound)
		return
	}
	if string(member(body, "stream")) == "true" {
		stream(answer, request, name, told)
		return
	}
	answer.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(answer, `{"id":"chatcmpl-1","object":"chat.completion","created":1700000000,"model":%q,`+
		`"choices":[{"index":0,"message":{"role":"assistant","content":"The capital of France is Paris."},`+
		`"logprobs":null,"finish_reason":"stop"}],`+
		`"usage":{"prompt_tokens":12,"completion_tokens":8,"total_tokens":20}}`, name)
}

func stream(answer http.ResponseWriter, request *http.Request, name string, told script) {
	flush := answer.(http.Flusher).Flush
	answer.Header().Set("Content-Type", "text/event-stream")
	head := `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"` + name + `",`
	chunk := []byte(head + `"choices":[{"index":0,"delta":{"content":" token"},"logprobs":null,"finish_reason":null}]}` + "\n\n")
	last := []byte(head + `"choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}` + "\n\n" +
		head + `"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":8,"total_tokens":20}}` + "\n\ndata: [DONE]\n\n")
	gone := request.Context().Done()
	var ticks <-chan time.Time
	if told.every > 0 {
		ticker := time.NewTicker(told.every)
		defer ticker.Stop()
		ticks = ticker.C
	}
	for at := 0; at < told.chunks; at++ {
		if ticks != nil && at > 0 {
			select {
			case <-ticks:
			case <-gone:
				note()
				return
			}
		}
		if _, err := answer.Write(chunk); err != nil {
			note()
			return
		}
		flush()
	}
	_, _ = answer.Write(last)
}

func note() {
	select {
	case closings <- time.Now().UnixNano():
	default:
	}
}

// closing waits for the next departure and gives its time; 0 after ten seconds without one.
func closing(answer http.ResponseWriter, _ *http.Request) {
	select {
	case at := <-closings:
		fmt.Fprint(answer, at)
	case <-time.After(10 * time.Second):
		fmt.Fprint(answer, 0)
	}
}

var vectors sync.Map

func embeddings(answer http.ResponseWriter, request *http.Request) {
	var asked struct {
		Input  []string `json:"input"`
		Format string   `json:"encoding_format"`
	}
	if json.Unmarshal(read(request), &asked) != nil {
		http.Error(answer, "no input", http.StatusBadRequest)
		return
	}
	key := fmt.Sprint(len(asked.Input), asked.Format)
	made, known := vectors.Load(key)
	if !known {
		made = embedded(len(asked.Input), asked.Format == "base64")
		vectors.Store(key, made)
	}
	answer.Header().Set("Content-Type", "application/json")
	_, _ = answer.Write(made.([]byte))
}

func embedded(count int, packed bool) []byte {
	type entry struct {
		Object    string `json:"object"`
		Index     int    `json:"index"`
		Embedding any    `json:"embedding"`
	}
	entries := make([]entry, count)
	for at := range entries {
		values := make([]float32, dimensions)
		raw := make([]byte, 4*dimensions)
		for place := range values {
			values[place] = float32(math.Sin(float64(at*dimensions+place)) / 32)
			binary.LittleEndian.PutUint32(raw[4*place:], math.Float32bits(values[place]))
		}
		entries[at] = entry{"embedding", at, values}
		if packed {
			entries[at].Embedding = base64.StdEncoding.EncodeToString(raw)
		}
	}
	made, _ := json.Marshal(map[string]any{
		"object": "list", "model": "vectors", "data": entries,
		"usage": map[string]int{"prompt_tokens": count, "total_tokens": count},
	})
	return made
}
