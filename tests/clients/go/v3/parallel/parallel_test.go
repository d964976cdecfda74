// What a user's tests look like that run at the same time: each begins with equal requests, says
// something of its own then, and has a session by the helper of examples/go.
package parallel

import (
	"context"
	"fmt"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"runreel.example/runreel"
)

const count = 6 // tests of each kind

var ctx = context.Background()

func connected(t *testing.T) openai.Client {
	t.Helper()
	return openai.NewClient(option.WithBaseURL(runreel.Session(t)))
}

func must[T any](t *testing.T) func(T, error) T {
	return func(made T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return made
	}
}

func begun(t *testing.T, client openai.Client) (*openai.Thread, openai.BetaThreadRunNewParams) {
	t.Helper()
	assistant := must[*openai.Assistant](t)(client.Beta.Assistants.New(ctx,
		openai.BetaAssistantNewParams{
			Model:        openai.ChatModelGPT4o,
			Instructions: openai.String("Be brief."),
		}))
	thread := must[*openai.Thread](t)(client.Beta.Threads.New(ctx, openai.BetaThreadNewParams{}))
	return thread, openai.BetaThreadRunNewParams{AssistantID: assistant.ID}
}

func TestARunIsModified(t *testing.T) {
	for number := range count {
		t.Run(fmt.Sprintf("stage %d", number), func(t *testing.T) {
			t.Parallel()
			client := connected(t)
			thread, params := begun(t, client)
			runs := client.Beta.Threads.Runs
			run := must[*openai.Run](t)(runs.New(ctx, thread.ID, params))
			for run.Status != openai.RunStatusCompleted {
				run = must[*openai.Run](t)(runs.Get(ctx, thread.ID, run.ID))
			}
			stage := map[string]string{"stage": fmt.Sprint(number)}
			must[*openai.Run](t)(runs.Update(ctx, thread.ID, run.ID,
				openai.BetaThreadRunUpdateParams{Metadata: stage}))
			run = must[*openai.Run](t)(runs.Get(ctx, thread.ID, run.ID))
			if run.Metadata["stage"] != stage["stage"] {
				t.Errorf("got %v", run.Metadata)
			}
		})
	}
}

func TestARunIsStreamed(t *testing.T) {
	for number := range count {
		t.Run(fmt.Sprintf("text %d", number), func(t *testing.T) {
			t.Parallel()
			client := connected(t)
			thread, params := begun(t, client)
			said := fmt.Sprintf("This is %d.", number)
			params.Metadata = map[string]string{"runreel.text": said}
			stream := client.Beta.Threads.Runs.NewStreaming(ctx, thread.ID, params)
			defer stream.Close()
			for stream.Next() {
			}
			if stream.Err() != nil {
				t.Fatal(stream.Err())
			}
			messages := client.Beta.Threads.Messages
			page, err := messages.List(ctx, thread.ID, openai.BetaThreadMessageListParams{})
			if err != nil || len(page.Data) != 1 {
				t.Fatal(page, err)
			}
			if got := page.Data[0].Content[0].Text.Value; got != said {
				t.Errorf("got %q", got)
			}
		})
	}
}
