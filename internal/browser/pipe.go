package browser

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// maxMessage is how large one message of the browser may be, in bytes: a
// picture comes as one, in base64.
const maxMessage = 512 << 20

// errGone says that the browser closed its end.
var errGone = errors.New("the browser has ended")

// pipe speaks the DevTools protocol over two pipes: a message is JSON and ends
// with a NUL byte. Other than with a port, nobody else can join in.
type pipe struct {
	out io.WriteCloser

	mu      sync.Mutex
	last    int64
	waiting map[int64]chan<- message
	end     error // why nothing more can be asked; nil while it can

	paused func(message) // is told of requests that wait to be let through
	done   chan struct{}
}

// message is a request, an answer or an event.
type message struct {
	ID      int64           `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
		Data    string `json:"data"`
	} `json:"error,omitempty"`
}

// newPipe reads in until it ends. paused is called for each paused request,
// one after another, and must not wait for an answer.
func newPipe(in io.Reader, out io.WriteCloser, paused func(message)) *pipe {
	p := &pipe{out: out, waiting: map[int64]chan<- message{}, paused: paused, done: make(chan struct{})}
	go p.read(in)
	return p
}

func (p *pipe) read(in io.Reader) {
	defer close(p.done)
	scan := bufio.NewScanner(in)
	scan.Buffer(make([]byte, 0, 64<<10), maxMessage)
	scan.Split(func(data []byte, _ bool) (int, []byte, error) {
		if i := bytes.IndexByte(data, 0); i >= 0 {
			return i + 1, data[:i], nil
		}
		return 0, nil, nil
	})
	for scan.Scan() {
		var m message
		if err := json.Unmarshal(scan.Bytes(), &m); err != nil {
			p.stop(fmt.Errorf("read what the browser says: %w", err))
			return
		}
		switch {
		case m.ID != 0:
			p.mu.Lock()
			to := p.waiting[m.ID]
			delete(p.waiting, m.ID)
			p.mu.Unlock()
			if to != nil {
				to <- m
			}
		case m.Method == "Fetch.requestPaused":
			p.paused(m)
		}
	}
	p.stop(scan.Err())
}

// stop lets everybody who waits know that no answer comes.
func (p *pipe) stop(err error) {
	if err == nil {
		err = errGone
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end = err
	for id, to := range p.waiting {
		close(to)
		delete(p.waiting, id)
	}
}

// send asks for something; the answer goes to to, which has room for it, or is nil.
func (p *pipe) send(session, method string, params any, to chan<- message) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end != nil {
		return p.end
	}
	p.last++
	text, err := json.Marshal(message{ID: p.last, Session: session, Method: method, Params: raw})
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	if _, err := p.out.Write(append(text, 0)); err != nil {
		return fmt.Errorf("%w: %w", errGone, err)
	}
	if to != nil {
		p.waiting[p.last] = to
	}
	return nil
}

// call asks for something and decodes the answer into result, which may be nil.
func (p *pipe) call(ctx context.Context, session, method string, params, result any) error {
	to := make(chan message, 1)
	if err := p.send(session, method, params, to); err != nil {
		return err
	}
	select {
	case m, ok := <-to:
		switch {
		case !ok:
			p.mu.Lock()
			defer p.mu.Unlock()
			return p.end
		case m.Error != nil:
			return fmt.Errorf("the browser refuses %s: %s %s", method, m.Error.Message, m.Error.Data)
		case result == nil:
			return nil
		}
		if err := json.Unmarshal(m.Result, result); err != nil {
			return fmt.Errorf("read the answer to %s: %w", method, err)
		}
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
