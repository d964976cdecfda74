// Several workers, each of them a goroutine, that call one run or several with one shared client.
// What it reads and prints is told in tests/clients/python/workers.py.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

type call struct {
	Run string
	Key *string
}

type worker struct {
	StartMs float64 `json:"start_ms"`
	Name    string
	Calls   []call
}

type round struct {
	BaseURL string `json:"base_url"`
	Workers []worker
}

type told struct {
	SentMs     float64         `json:"sent_ms"`
	ReceivedMs float64         `json:"received_ms"`
	Said       json.RawMessage `json:"said"`
}

var began = time.Now()

func now() float64 { return float64(time.Since(began)) / float64(time.Millisecond) }

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func made(runs openai.BetaThreadRunService, c call, options []option.RequestOption) told {
	var run *openai.Run
	var err error
	sent := now()
	if c.Key == nil {
		run, err = runs.Get(context.Background(), "T0", c.Run, options...)
	} else {
		params := openai.BetaThreadRunUpdateParams{Metadata: map[string]string{*c.Key: "1"}}
		run, err = runs.Update(context.Background(), "T0", c.Run, params, options...)
	}
	received := now()
	var refused *openai.Error
	if errors.As(err, &refused) {
		return told{sent, received, json.RawMessage("null")}
	}
	must(err)
	return told{sent, received, json.RawMessage(run.RawJSON())}
}

func (w worker) work(runs openai.BetaThreadRunService) []told {
	var options []option.RequestOption
	if w.Name != "" {
		options = append(options, option.WithHeader("X-Worker", w.Name))
	}
	time.Sleep(time.Duration(w.StartMs * float64(time.Millisecond)))
	all := []told{}
	for _, c := range w.Calls {
		all = append(all, made(runs, c, options))
	}
	return all
}

func (r round) play() [][]told {
	client := openai.NewClient(option.WithBaseURL(r.BaseURL))
	all := make([][]told, len(r.Workers))
	var done sync.WaitGroup
	for at, one := range r.Workers {
		done.Add(1)
		go func() {
			defer done.Done()
			all[at] = one.work(client.Beta.Threads.Runs)
		}()
	}
	done.Wait()
	return all
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var asked round
		err := in.Decode(&asked)
		if errors.Is(err, io.EOF) {
			return
		}
		must(err)
		must(out.Encode(asked.play()))
	}
}
