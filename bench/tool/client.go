package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
)

// A client is one kept connection that sends ready-made requests and reads answers, no more: a
// tenth of the work of net/http, so that the measuring costs less than what is measured.
type client struct {
	address string
	conn    net.Conn
	reader  *bufio.Reader
	buffer  []byte
}

// An answer is what was seen of one: times are since the request was sent.
type answer struct {
	first  time.Duration
	whole  time.Duration
	frames int
	bytes  int
	gaps   []time.Duration
}

func request(address, path string, body []byte) []byte {
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAccept: */*\r\n"+
		"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n", path, address, len(body))
	return append([]byte(head), body...)
}

func (c *client) connect() error {
	if c.conn != nil {
		return nil
	}
	conn, err := net.Dial("tcp", c.address)
	if err != nil {
		return err
	}
	c.conn = conn
	c.reader = bufio.NewReaderSize(conn, 64<<10)
	if c.buffer == nil {
		c.buffer = make([]byte, 64<<10)
	}
	return nil
}

func (c *client) close() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}

// ask sends a request and reads the answer to its end. mark is what a whole answer must hold near
// its end; with stop it leaves after the first bytes of the body.
func (c *client) ask(sent, mark []byte, stop, paced bool) (answer, error) {
	var seen answer
	if err := c.connect(); err != nil {
		return seen, err
	}
	began := time.Now()
	if _, err := c.conn.Write(sent); err != nil {
		c.close()
		return seen, err
	}
	length, chunked, closes, err := c.head()
	if err != nil {
		c.close()
		return seen, err
	}
	var tail []byte
	var before time.Time
	take := func(part []byte) {
		now := time.Now()
		if seen.first == 0 {
			seen.first = now.Sub(began)
		} else if paced {
			seen.gaps = append(seen.gaps, now.Sub(before))
		}
		before = now
		seen.bytes += len(part)
		seen.frames += bytes.Count(part, []byte("\n"))
		if len(part) >= 512 {
			tail = append(tail[:0], part[len(part)-512:]...)
		} else if tail = append(tail, part...); len(tail) > 2048 {
			tail = append(tail[:0], tail[len(tail)-1024:]...)
		}
	}
	err = c.body(length, chunked, stop, take)
	seen.whole = time.Since(began)
	if err != nil || closes || stop {
		c.close()
	}
	if err == nil && !stop && !bytes.Contains(tail, mark) {
		err = errors.New("answer is not whole: " + string(tail))
	}
	return seen, err
}

func (c *client) head() (length int, chunked, closes bool, err error) {
	line, err := c.reader.ReadString('\n')
	if err != nil {
		return
	}
	status := strings.Fields(line)
	length = -1
	for {
		if line, err = c.reader.ReadString('\n'); err != nil {
			return
		}
		line = strings.TrimSpace(line)
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.ToLower(strings.TrimSpace(value))
		switch strings.ToLower(name) {
		case "content-length":
			length, _ = strconv.Atoi(value)
		case "transfer-encoding":
			chunked = value == "chunked"
		case "connection":
			closes = value == "close"
		}
	}
	if len(status) < 2 || status[1] != "200" {
		err = errors.New("status " + strings.Join(status, " "))
	}
	return
}

func (c *client) body(length int, chunked, stop bool, take func([]byte)) error {
	if !chunked {
		return c.part(length, take)
	}
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return err
		}
		size, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 64)
		if err != nil {
			return err
		}
		if size == 0 {
			_, err = c.reader.Discard(2)
			return err
		}
		if err = c.part(int(size), take); err != nil {
			return err
		}
		if stop {
			return nil
		}
		if _, err = c.reader.Discard(2); err != nil {
			return err
		}
	}
}

func (c *client) part(length int, take func([]byte)) error {
	for length != 0 {
		room := c.buffer
		if length > 0 && length < len(room) {
			room = room[:length]
		}
		got, err := c.reader.Read(room)
		if got > 0 {
			take(room[:got])
			if length > 0 {
				length -= got
			}
		}
		if err == io.EOF && length < 0 {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}
