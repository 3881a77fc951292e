//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestDashboardPrints has Chromium print what the server shows, on a server that
// lets nobody in without a token.
func TestDashboardPrints(t *testing.T) {
	dir := t.TempDir()
	p := launch(t, dir, "--auth.anonymous=off")
	token := map[string]string{"Authorization": "Bearer " + p.token}
	p.until(30*time.Second, "the host is watched", func() bool {
		_, body := p.do(http.MethodGet, "/api/v1/query?query=node_load1", "", nil, token)
		return strings.Contains(body, `"__name__":"node_load1"`)
	})
	out := t.TempDir()
	prints := func(args ...string) (string, error) {
		t.Helper()
		args = append([]string{"dashboards", "print", "--url=" + p.url}, args...)
		raw, err := exec.CommandContext(t.Context(), binary(t), args...).CombinedOutput()
		return string(raw), err
	}
	known := "--token-file=" + filepath.Join(dir, "admin.token")

	t.Run("PDF", func(t *testing.T) {
		for _, tc := range []struct {
			name, paper string
			least, most int // sheets
		}{
			{"one sheet", "page", 1, 1},
			{"sheets across", "landscape", 2, 20},
		} {
			t.Run(tc.name, func(t *testing.T) {
				file := filepath.Join(out, tc.paper+".pdf")
				said, err := prints("touchline-hosts", known, "--output="+file, "--paper="+tc.paper, "--from=now-5m")
				if err != nil {
					t.Fatalf("%v\n%s", err, said)
				}
				raw := readFile(t, file)
				sheets := len(regexp.MustCompile(`/Type\s*/Page\b[^s]`).FindAll(raw, -1))
				if !bytes.HasPrefix(raw, []byte("%PDF-")) || sheets < tc.least || sheets > tc.most {
					t.Errorf("%d bytes with %d sheets, want %d to %d", len(raw), sheets, tc.least, tc.most)
				}
			})
		}
	})
	t.Run("PNG", func(t *testing.T) {
		shown := map[string]float64{}
		for _, theme := range []string{"light", "dark"} {
			file := filepath.Join(out, theme+".png")
			if said, err := prints("touchline-hosts", known, "--output="+file, "--theme="+theme, "--width=1000", "--scale=1"); err != nil {
				t.Fatalf("%v\n%s", err, said)
			}
			img, err := png.Decode(bytes.NewReader(readFile(t, file)))
			if err != nil {
				t.Fatal(err)
			}
			size := img.Bounds().Size()
			if size.X != 1000 || size.Y < 900 {
				t.Errorf("the picture is of %v", size)
			}
			colors := map[color.Color]bool{}
			for y := 0; y < size.Y; y += 3 {
				for x := 0; x < size.X; x += 3 {
					c := img.At(x, y)
					colors[c] = true
					r, _, _, _ := c.RGBA()
					shown[theme] += float64(r) / 0xffff / float64(size.X*size.Y/9)
				}
			}
			if len(colors) < 50 {
				t.Errorf("%d colors: nothing is drawn", len(colors))
			}
		}
		if shown["light"] < 0.8 || shown["dark"] > 0.3 {
			t.Errorf("the pictures are not light and dark: %v", shown)
		}
	})
	t.Run("without a token", func(t *testing.T) {
		file := filepath.Join(out, "none.pdf")
		said, err := prints("touchline-hosts", "--output="+file, "--token-file=")
		var exit *exec.ExitError
		if !errors.As(err, &exit) || !strings.Contains(said, "asks for a token") {
			t.Errorf("%v\n%s", err, said)
		}
		if _, err := os.Stat(file); err == nil {
			t.Error("a file was written")
		}
	})
	t.Run("broken panels are told", func(t *testing.T) {
		var asked atomic.Int64
		elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
		defer elsewhere.Close()
		panel := func(id int, kind, title string, rest map[string]any) map[string]any {
			rest["id"], rest["type"], rest["title"], rest["gridPos"] = id, kind, title, map[string]int{"x": 0, "y": id * 8, "w": 24, "h": 8}
			return rest
		}
		board, err := json.Marshal(map[string]any{"dashboard": map[string]any{"uid": "broken", "title": "Broken", "schemaVersion": 39, "panels": []any{
			panel(1, "stat", "Right", map[string]any{"targets": []any{map[string]string{"refId": "A", "expr": "vector(1)"}}}),
			panel(2, "stat", "Wrong", map[string]any{"targets": []any{map[string]string{"refId": "A", "expr": "sum(("}}}),
			panel(3, "text", "Elsewhere", map[string]any{"options": map[string]string{"mode": "html", "content": "<img src=" + elsewhere.URL + "/spy.png>"}}),
			panel(40, "stat", "Far below", map[string]any{"targets": []any{map[string]string{"refId": "A", "expr": "sum by(("}}}),
		}}})
		if err != nil {
			t.Fatal(err)
		}
		if code, body := p.do(http.MethodPost, "/touchline/v1/dashboards", "application/json", board, token); code/100 != 2 {
			t.Fatalf("import: %d %s", code, body)
		}
		said, err := prints("broken", known, "--output="+filepath.Join(out, "broken.pdf"))
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("ends with %v, want exit code 1", err)
		}
		for _, want := range []string{"panel 2 (Wrong) shows an error", "panel 40 (Far below) shows an error", "4 panels"} {
			if !strings.Contains(said, want) {
				t.Errorf("%q is not told:\n%s", want, said)
			}
		}
		if strings.Contains(said, "panel 1 ") || asked.Load() > 0 {
			t.Errorf("another server was asked %d times:\n%s", asked.Load(), said)
		}
	})
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
