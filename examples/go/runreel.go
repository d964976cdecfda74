// Package runreel gives each test a session of runreel. Copy this file into a package of your
// module, such as internal/runreel; it needs nothing but the standard library.
//
//	func TestARunIsModified(t *testing.T) {
//		t.Parallel()
//		client := openai.NewClient(option.WithBaseURL(runreel.Session(t)))
//		...
//	}
//
// Record with `runreel record --upstream URL -- go test -count=1 ./...`, commit cassettes/, and run
// offline with `runreel replay -- go test -count=1 ./...`. Each test has a URL and a cassette of its
// own, so tests may run at the same time. A test fails if a call of it was missed, whatever became
// of the error, or if a recording of it was not played. What a failed test recorded is thrown away.
package runreel

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const openedBy = "run the tests as: runreel replay -- go test -count=1 ./..."

// Options of a session, for a test that needs any.
type Options struct {
	// Cassette names one in place of that which is named after the test. The session's scope is the
	// test then, so that tests can share it.
	Cassette string
	// AllowUnplayed is for a test that may leave recordings unplayed.
	AllowUnplayed bool
}

type receipt struct {
	Mode, Cassette string
	Missed         []struct {
		Message string
		Details []string
	}
	Unplayed []string
	Drift    []struct{ Method, Target, Interaction string }
	Failed   int
	Lost     int `json:"not_stored"`
}

// Session opens a session that ends with the test, and returns the base URL for the test's clients.
// The cassette is named after the package's folder and the test.
func Session(t testing.TB, options ...Options) string {
	t.Helper()
	var chosen Options
	if len(options) > 0 {
		chosen = options[0]
	}
	own := cassetteName(packageFolder(), t.Name())
	asked := map[string]string{"cassette": own}
	if chosen.Cassette != "" {
		asked = map[string]string{"cassette": chosen.Cassette, "scope": own}
	} else if err := claim(own, t.Name()); err != nil {
		t.Fatal(err)
	}
	var opened struct {
		ID      string
		BaseURL string `json:"base_url"`
	}
	if err := ask(http.MethodPost, "", asked, &opened); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		t.Helper()
		failed := t.Failed()
		var ended receipt
		err := ask(http.MethodDelete, fmt.Sprintf("/%s?discard=%t", opened.ID, failed), nil, &ended)
		if err != nil {
			t.Error(err)
		}
		// Why a test failed that failed for a reason of its own is not told again as something unplayed.
		if found := ended.findings(chosen.AllowUnplayed || failed); len(found) > 0 {
			t.Errorf("runreel: %s", strings.Join(found, "\n"))
		}
	})
	return opened.BaseURL
}

// What is wrong by the receipt of a session, a text for each.
func (r receipt) findings(allowUnplayed bool) (found []string) {
	for _, miss := range r.Missed {
		found = append(found, strings.Join(append([]string{miss.Message}, miss.Details...), "\n"))
	}
	for _, one := range r.Drift {
		found = append(found, fmt.Sprintf("%s %s drifted from %s", one.Method, one.Target, one.Interaction))
	}
	if len(r.Unplayed) > 0 && r.Mode != "verify" && !allowUnplayed {
		ids := strings.Join(r.Unplayed, ", ")
		found = append(found, fmt.Sprintf("not played of cassette '%s': %s", r.Cassette, ids))
	}
	lost := r.Lost
	if r.Mode == "record" || r.Mode == "new_episodes" {
		lost += r.Failed
	}
	if lost > 0 {
		found = append(found, fmt.Sprintf("%d calls could not be recorded in cassette '%s'", lost, r.Cassette))
	}
	return found
}

// A client of its own: a test may put another one in the place of http.DefaultClient. It asks for no
// proxy, since runreel is where OPENAI_BASE_URL says. Ending a session may wait for calls under way.
var client = http.Client{Transport: &http.Transport{}, Timeout: 60 * time.Second}

func ask(method, path string, body map[string]string, into any) error {
	place, err := url.Parse(os.Getenv("OPENAI_BASE_URL"))
	if err != nil || place.Host == "" {
		return fmt.Errorf("OPENAI_BASE_URL is not set to a URL; %s", openedBy)
	}
	var sent []byte
	if body != nil {
		if sent, err = json.Marshal(body); err != nil {
			return err
		}
	}
	origin := place.Scheme + "://" + place.Host
	request, err := http.NewRequest(method, origin+"/_runreel/sessions"+path, bytes.NewReader(sent))
	if err != nil {
		return err
	}
	if token := os.Getenv("RUNREEL_LISTEN__ADMIN_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("runreel: %w", err)
	}
	defer answer.Body.Close()
	if answer.Header.Get("X-Runreel-Source") == "" {
		return fmt.Errorf("%s, of OPENAI_BASE_URL, is not runreel; %s", origin, openedBy)
	}
	if answer.StatusCode >= 300 {
		var refused struct{ Error struct{ Message string } }
		if err := json.NewDecoder(answer.Body).Decode(&refused); err != nil {
			return fmt.Errorf("runreel: %s", answer.Status)
		}
		return fmt.Errorf("runreel: %s", refused.Error.Message)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}

// The folder of the package under test below that of its module; `go test` runs a test in it.
func packageFolder() string {
	here, err := os.Getwd()
	if err != nil {
		return ""
	}
	for root := here; ; root = filepath.Dir(root) {
		if _, err := os.Stat(filepath.Join(root, "go.mod")); err == nil {
			below, _ := filepath.Rel(root, here)
			return filepath.ToSlash(below)
		}
		if root == filepath.Dir(root) {
			return filepath.Base(here)
		}
	}
}

// The name for a test's cassette, such as `internal/chat/TestARun/is_modified`.
func cassetteName(folder, test string) string {
	parts := strings.Split(test, "/")
	if folder != "." && folder != "" {
		parts = append(strings.Split(folder, "/"), parts...)
	}
	for i, part := range parts {
		parts[i] = segment(part)
	}
	return strings.Join(parts, "/")
}

var (
	unfit   = regexp.MustCompile(`[^A-Za-z0-9._-]+`)
	unknown = regexp.MustCompile(`[^ -~]`)
)

// A text as a part of a name; what would be cut or cannot be spelled there is told apart by a hash.
func segment(text string) string {
	plain := strings.Trim(unfit.ReplaceAllString(text, "-"), "._-")
	file := strings.HasSuffix(strings.ToLower(plain), ".json")
	if plain != "" && len(plain) <= 80 && !unknown.MatchString(text) && !file {
		return plain
	}
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:10]
	if len(plain) > 60 {
		plain = plain[:60]
	}
	return strings.TrimLeft(strings.ReplaceAll(plain, ".", "-")+"-"+digest, "-")
}

var users sync.Map // the test that a cassette's name was made for

func claim(cassette, test string) error {
	// Some file systems do not tell the cases apart.
	user, _ := users.LoadOrStore(strings.ToLower(cassette), test)
	if user == test {
		return nil
	}
	return fmt.Errorf(
		"runreel: the tests %q and %q would share the cassette '%s'; give them other names, or name a "+
			"cassette: runreel.Session(t, runreel.Options{Cassette: NAME})", user, test, cassette)
}
