package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestAskedRulesExist fails when a rule that is measured is renamed.
func TestAskedRulesExist(t *testing.T) {
	rules, err := shippedRules(asked)
	if err != nil {
		t.Fatal(err)
	}
	if len(rules) != 10 {
		t.Errorf("got %d rules, want ten", len(rules))
	}
	if _, err := shippedRules([]string{"NoSuchRule"}); err == nil {
		t.Error("a rule that does not exist was found")
	}
}

func TestWithSection(t *testing.T) {
	const doc = "by hand\n<!-- begin generated: a -->\nold\n<!-- end generated: a -->\nalso by hand\n<!-- begin generated: b -->\nkept\n<!-- end generated: b -->\n"
	got, err := withSection(doc, "a", "new\n")
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(doc, "old\n", "\nnew\n\n", 1); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	again, err := withSection(got, "a", "new\n")
	if err != nil || again != got {
		t.Errorf("writing twice is not writing once: %v\n%s", err, again)
	}
	for _, bad := range []string{"", "<!-- begin generated: a -->\n"} {
		if _, err := withSection(bad, "a", "new"); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// TestResultsHaveEverySection keeps RESULTS.md ready for every part.
func TestResultsHaveEverySection(t *testing.T) {
	raw, err := os.ReadFile("RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range parts {
		if _, err := withSection(string(raw), p.name, ""); err != nil {
			t.Error(err)
		}
	}
}

func TestRunRefuses(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-only=idle,idel"}, `there is no part "idel"`},
		{[]string{"idle"}, "takes flags only"},
		{[]string{"-rows=5000", "-out=RESULTS.md"}, "without all of its rows"},
		{[]string{"-touchline=/no/such/program"}, "make build"},
		{[]string{"-prometheus=/no/such/program"}, "make oracle"},
	} {
		var out, log bytes.Buffer
		err := run(context.Background(), c.args, &out, &log)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: got %v, want %q", c.args, err, c.want)
		}
	}
}

func TestParseVersion(t *testing.T) {
	for in, want := range map[string]string{
		"prometheus, version 2.42.0+ds (branch: x, revision: y)\n  build user: z\n": "2.42.0+ds",
		"v1.2.3\n": "v1.2.3",
	} {
		if got := parseVersion(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestFirstBlock(t *testing.T) {
	dir := t.TempDir()
	if _, err := firstBlock(dir); !errors.Is(err, errNoBlock) {
		t.Errorf("got %v, want %v", err, errNoBlock)
	}
	write := func(name, content string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("01AAAAAAAAAAAAAAAAAAAAAAAA.tmp-for-creation/meta.json", `{"stats":{"numSamples":1}}`)
	if _, err := firstBlock(dir); !errors.Is(err, errNoBlock) {
		t.Errorf("a block that is being written was taken: %v", err)
	}
	meta := `{"stats":{"numSamples":10}}`
	write("01BBBBBBBBBBBBBBBBBBBBBBBB/meta.json", meta)
	write("01BBBBBBBBBBBBBBBBBBBBBBBB/index", "12345")
	write("01BBBBBBBBBBBBBBBBBBBBBBBB/chunks/000001", "1234567")
	got, err := firstBlock(dir)
	if want := (blockSize{samples: 10, bytes: int64(12 + len(meta)), chunks: 7, index: 5}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// TestTurnRatio: one slow turn of three must not count.
func TestTurnRatio(t *testing.T) {
	us := []time.Duration{10, 10, 11, 10, 90, 90}
	today := []time.Duration{20, 20, 22, 20, 20, 20}
	if got := turnRatio(us, today, 2); got != 2 {
		t.Errorf("got %v, want 2", got)
	}
}

func TestThousands(t *testing.T) {
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.4: "1,234,567"} {
		if got := thousands(n); got != want {
			t.Errorf("%v: got %q, want %q", n, got, want)
		}
	}
}
