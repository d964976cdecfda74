// Makes calls on the runs resource with the version of the Go SDK that this module requires, one
// after another, and prints a JSON line for each: what it returned, or the error. A stream prints a
// line for each event as it comes.
//
// Usage: OPENAI_BASE_URL=... OPENAI_API_KEY=... PROGRAM CALLS
// CALLS is JSON, an array of {"call", "thread", "run", "params"}.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/ssestream"
)

type call struct {
	Call   string
	Thread string
	Run    string
	Params json.RawMessage
}

type failure struct {
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Type    string `json:"type"`
	Message string `json:"message"`
}

type answer interface{ RawJSON() string }

var ctx = context.Background()

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func say(line any) { must(json.NewEncoder(os.Stdout).Encode(line)) }

func raw(given answer) json.RawMessage { return json.RawMessage(given.RawJSON()) }

// Reads the call's params into one of the SDK's own types.
func (c call) into(params any) {
	if c.Params != nil {
		must(json.Unmarshal(c.Params, params))
	}
}

func (c call) streams() bool {
	var asked struct{ Stream bool }
	c.into(&asked)
	return asked.Stream
}

func list(runs openai.BetaThreadRunService, c call) (answer, error) {
	var asked struct {
		Limit int64
		Order string
		After string
	}
	c.into(&asked)
	params := openai.BetaThreadRunListParams{Order: openai.BetaThreadRunListParamsOrder(asked.Order)}
	if asked.Limit != 0 {
		params.Limit = openai.Int(asked.Limit)
	}
	if asked.After != "" {
		params.After = openai.String(asked.After)
	}
	return runs.List(ctx, c.Thread, params)
}

func once(runs openai.BetaThreadRunService, c call) (answer, error) {
	switch c.Call {
	case "create":
		var params openai.BetaThreadRunNewParams
		c.into(&params)
		return runs.New(ctx, c.Thread, params)
	case "list":
		return list(runs, c)
	case "retrieve":
		return runs.Get(ctx, c.Thread, c.Run)
	case "update":
		var params openai.BetaThreadRunUpdateParams
		c.into(&params)
		return runs.Update(ctx, c.Thread, c.Run, params)
	case "cancel":
		return runs.Cancel(ctx, c.Thread, c.Run)
	case "submit_tool_outputs":
		var params openai.BetaThreadRunSubmitToolOutputsParams
		c.into(&params)
		return runs.SubmitToolOutputs(ctx, c.Thread, c.Run, params)
	}
	panic("unknown call " + c.Call)
}

func started(runs openai.BetaThreadRunService, c call) *ssestream.Stream[openai.AssistantStreamEventUnion] {
	if c.Call == "create" {
		var params openai.BetaThreadRunNewParams
		c.into(&params)
		return runs.NewStreaming(ctx, c.Thread, params)
	}
	var params openai.BetaThreadRunSubmitToolOutputsParams
	c.into(&params)
	return runs.SubmitToolOutputsStreaming(ctx, c.Thread, c.Run, params)
}

func stream(runs openai.BetaThreadRunService, c call) error {
	events := started(runs, c)
	defer events.Close()
	for events.Next() {
		say(map[string]any{"event": raw(events.Current())})
	}
	return events.Err()
}

func made(runs openai.BetaThreadRunService, c call) error {
	if c.streams() {
		return stream(runs, c)
	}
	given, err := once(runs, c)
	if err == nil {
		say(map[string]any{"result": raw(given)})
	}
	return err
}

func main() {
	var calls []call
	must(json.Unmarshal([]byte(os.Args[1]), &calls))
	client := openai.NewClient()
	for _, c := range calls {
		err := made(client.Beta.Threads.Runs, c)
		var refused *openai.Error
		if errors.As(err, &refused) {
			say(failure{refused.StatusCode, refused.Code, refused.Type, refused.Message})
		} else {
			must(err)
		}
	}
}
