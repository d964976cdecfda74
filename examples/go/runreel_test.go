// The tests of runreel.go, against a server that answers as runreel's admin API does. They give it a
// test of theirs, to see what becomes of it.
package runreel

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

const opened = `{"id": "s1", "base_url": "http://127.0.0.1/_runreel/s/s1/v1"}`

type answer struct {
	status int
	body   string
}

// A server that answers so, one after another; returns what it was asked.
func aServer(t *testing.T, source string, answers ...answer) *[]string {
	asked := &[]string{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = append(*asked, strings.TrimSpace(fmt.Sprintln(r.Method, r.URL, string(body))))
		if source != "" {
			w.Header().Set("X-Runreel-Source", source)
		}
		w.WriteHeader(answers[0].status)
		io.WriteString(w, answers[0].body)
		answers = answers[1:]
	}))
	t.Cleanup(server.Close)
	t.Setenv("OPENAI_BASE_URL", server.URL+"/v1")
	return asked
}

// A test that is not one of this run: what it was told, and whether that failed it.
type aTest struct {
	testing.TB
	name   string
	failed bool
	told   []string
	ends   []func()
}

func (a *aTest) Helper()                      {}
func (a *aTest) Name() string                 { return a.name }
func (a *aTest) Failed() bool                 { return a.failed }
func (a *aTest) Cleanup(end func())           { a.ends = append(a.ends, end) }
func (a *aTest) Error(args ...any)            { a.failed, a.told = true, append(a.told, fmt.Sprint(args...)) }
func (a *aTest) Fatal(args ...any)            { a.Error(args...); runtime.Goexit() }
func (a *aTest) Errorf(f string, args ...any) { a.Error(fmt.Sprintf(f, args...)) }

func (a *aTest) runs(body func()) {
	done := make(chan bool)
	go func() { defer close(done); body() }()
	<-done
	for _, end := range a.ends {
		end()
	}
}

func equal(t *testing.T, got, wanted any) {
	t.Helper()
	if !reflect.DeepEqual(got, wanted) {
		t.Errorf("got    %q\nwanted %q", got, wanted)
	}
}

func receiptWith(members string) string {
	receipt := map[string]any{"mode": "replay", "cassette": "c", "missed": []any{}, "unplayed": []any{}}
	if err := json.Unmarshal([]byte(members), &receipt); err != nil {
		panic(err)
	}
	text, _ := json.Marshal(receipt)
	return string(text)
}

func TestATestHasAURLAndACassetteOfItsOwnSavedWhenItPassed(t *testing.T) {
	asked := aServer(t, "proxy", answer{201, opened}, answer{200, receiptWith("{}")})
	one := &aTest{name: "TestRuns/a_run_is_modified"}

	one.runs(func() { equal(t, Session(one), "http://127.0.0.1/_runreel/s/s1/v1") })

	equal(t, *asked, []string{
		`POST /_runreel/sessions {"cassette":"TestRuns/a_run_is_modified"}`,
		`DELETE /_runreel/sessions/s1?discard=false`,
	})
	equal(t, one.failed, false)
}

func TestACassetteThatIsNamedIsSharedByScope(t *testing.T) {
	asked := aServer(t, "proxy", answer{201, opened}, answer{200, receiptWith("{}")})
	one := &aTest{name: "TestShares"}

	one.runs(func() { Session(one, Options{Cassette: "shared"}) })

	equal(t, (*asked)[0], `POST /_runreel/sessions {"cassette":"shared","scope":"TestShares"}`)
}

func TestTheReceiptDecides(t *testing.T) {
	miss := `{"missed": [{"message": "No recording matches.", "details": ["To record it: ..."]}]`
	for _, one := range []struct {
		receipt        string
		allow, failing bool
		told           []string
	}{
		{miss + `}`, false, false, []string{"runreel: No recording matches.\nTo record it: ..."}},
		{miss + `, "unplayed": ["x"]}`, true, false, []string{"runreel: No recording matches.\nTo record it: ..."}},
		{miss + `, "unplayed": ["x"]}`, false, true, []string{"runreel: No recording matches.\nTo record it: ..."}},
		{`{"unplayed": ["x", "y"]}`, false, false, []string{"runreel: not played of cassette 'c': x, y"}},
		{`{"unplayed": ["x"]}`, true, false, nil},
		{`{"unplayed": ["x"], "mode": "verify"}`, false, false, nil},
		{
			`{"mode": "verify", "drift": [{"method": "GET", "target": "/x", "interaction": "getRun-1"}]}`,
			false, false, []string{"runreel: GET /x drifted from getRun-1"},
		},
		{
			`{"mode": "record", "not_stored": 1, "failed": 1}`,
			false, false, []string{"runreel: 2 calls could not be recorded in cassette 'c'"},
		},
		{`{"mode": "passthrough", "failed": 1}`, false, false, nil},
	} {
		asked := aServer(t, "proxy", answer{201, opened}, answer{200, receiptWith(one.receipt)})
		test := &aTest{name: "TestIt", failed: one.failing}

		test.runs(func() { Session(test, Options{AllowUnplayed: one.allow}) })

		equal(t, test.told, one.told)
		equal(t, test.failed, one.told != nil)
		equal(t, (*asked)[1], fmt.Sprintf("DELETE /_runreel/sessions/s1?discard=%t", one.failing))
	}
}

func TestWhatRunreelRefusesFailsTheTestWithItsSentence(t *testing.T) {
	aServer(t, "proxy", answer{400, `{"error": {"message": "there is no cassette 'x' to replay"}}`})
	one := &aTest{name: "TestRefused"}

	one.runs(func() { Session(one) })

	equal(t, one.told, []string{"runreel: there is no cassette 'x' to replay"})
}

func TestWithoutRunreelNothingRuns(t *testing.T) {
	aServer(t, "", answer{404, "{}"})
	for _, url := range []string{os.Getenv("OPENAI_BASE_URL"), "", "nonsense"} {
		t.Setenv("OPENAI_BASE_URL", url)
		one := &aTest{name: "TestElsewhere"}

		one.runs(func() { Session(one) })

		if len(one.told) != 1 || !strings.HasSuffix(one.told[0], openedBy) {
			t.Errorf("%q: told %q", url, one.told)
		}
	}
}

func TestACassetteIsNamedAfterThePackagesFolderAndTheTest(t *testing.T) {
	for _, one := range [][3]string{
		{"internal/chat", "TestRuns/a_run", "internal/chat/TestRuns/a_run"},
		{".", "TestRuns/reads_[1,_2]#01", "TestRuns/reads_-1-_2-01"},
		{"", "TestRuns/reads_a.json", "TestRuns/reads_a-json-a311488501"},
		{"", "TestRuns/…", "TestRuns/b4935894c8"},
		{"", "TestRuns/Läufe", "TestRuns/L-ufe-3960fc83a2"},
		{"", strings.Repeat("x", 81), strings.Repeat("x", 60) + "-4d1f7bb876"},
	} {
		equal(t, cassetteName(one[0], one[1]), one[2])
	}
}

func TestThePackagesFolderIsSeenFromItsModule(t *testing.T) {
	module := t.TempDir()
	inside := filepath.Join(module, "internal", "chat")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(module, "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	here, _ := os.Getwd()
	defer os.Chdir(here)
	for folder, seen := range map[string]string{inside: "internal/chat", module: "."} {
		if err := os.Chdir(folder); err != nil {
			t.Fatal(err)
		}
		equal(t, packageFolder(), seen)
	}
}

func TestTwoTestsNeverShareACassetteThatIsNamedAfterOneOfThem(t *testing.T) {
	for _, name := range []string{"TestShared/a", "TestShared/a", "TestShared/A"} {
		aServer(t, "proxy", answer{201, opened}, answer{200, receiptWith("{}")})
		one := &aTest{name: name}

		one.runs(func() { Session(one) })

		if name != "TestShared/A" {
			equal(t, one.failed, false) // the same again, as with -count=2
			continue
		}
		equal(t, one.told, []string{
			`runreel: the tests "TestShared/a" and "TestShared/A" would share the cassette ` +
				`'TestShared/A'; give them other names, or name a cassette: ` +
				`runreel.Session(t, runreel.Options{Cassette: NAME})`,
		})
	}
}
