// What a user's own test looks like: it knows nothing of runreel and finds it by OPENAI_BASE_URL.
package main

import (
	"testing"

	"github.com/openai/openai-go/v3"
)

func TestARunIsModified(t *testing.T) {
	client := openai.NewClient()
	run, err := client.Beta.Threads.Runs.Update(ctx, "thread_abc123", "run_abc123",
		openai.BetaThreadRunUpdateParams{Metadata: map[string]string{"user_id": "user_abc123"}})
	if err != nil {
		t.Fatal(err)
	}
	if run.Status != "completed" || run.Metadata["user_id"] != "user_abc123" {
		t.Errorf("got %s with %v", run.Status, run.Metadata)
	}
}
