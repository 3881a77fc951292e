package main

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestDashboardsCommand runs each command against a server that answers as the
// real one does.
func TestDashboardsCommand(t *testing.T) {
	dir := t.TempDir()
	put := func(name, text string) string {
		full := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(full), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return full
	}
	const text = "{\n \"title\": \"<A>\", \"__inputs\": [{\"name\": \"DS\"}],  \"panels\": [\"${DS}\"] }"
	one := put("one.json", "\uFEFF"+text)
	folder := filepath.Join(dir, "folder")
	put("folder/a.json", `{"title":"A","panels":[]}`)
	put("folder/package.json", `{"name":"x"}`)
	put("folder/sub/bad.json", `{"panels":[}`)
	const saved = `{"uid":"u","url":"/ui/d/u","version":1,"warnings":["w"]}`
	for _, c := range []struct {
		name    string
		args    []string
		answers []string
		asked   []string
		out     string
		err     string
		code    int
	}{
		{"import", []string{"import", one, "--folder=F", "--input=DS=touchline,OTHER=x", "--overwrite", "-m", "why"}, []string{saved},
			[]string{`POST /dashboards {"dashboard":` + text + `,"folder":"F","inputs":{"DS":"touchline"},"message":"why","overwrite":true}`}, ": /ui/d/u, version 1\n", "warning: w", 0},
		{"import a folder", []string{"import", folder}, []string{saved}, []string{`POST /dashboards {"dashboard":{"title":"A","panels":[]},"message":"","overwrite":false}`},
			"a.json: /ui/d/u", "bad.json: line 1, column 12 (byte 11): not valid JSON", exitFindings},
		{"what is none", []string{"import", filepath.Join(folder, "package.json")}, nil, nil, "", "this is not a Grafana dashboard", exitFindings},
		{"a folder without any", []string{"import", put("empty/package.json", "{}")[:len(dir)+6]}, nil, nil, "", "there is no dashboard", exitUsage},
		{"nothing", []string{"import"}, nil, nil, "", "name files or folders", exitUsage},
		{"not there", []string{"import", "nowhere.json"}, nil, nil, "", "nowhere.json: no such file", exitUsage},
		{"list over two pages", []string{"list", "--tag=x", "--starred"}, []string{
			`{"dashboards":[{"uid":"u","title":"T","folder":"F","panels":3,"version":2,"updated":"2026-01-01T00:00:00Z","updated_by":"anna"}],"next":"c"}`,
			`{"dashboards":[{"uid":"f","title":"File","provisioned":true,"version":1,"updated":"0001-01-01T00:00:00Z"}],"next":""}`,
		}, []string{"GET /dashboards?limit=1000&starred=true&tag=x", "GET /dashboards?cursor=c&limit=1000&starred=true&tag=x"}, "f    File           0       1        -                 file\n", "", 0},
		{"list nothing", []string{"list"}, []string{`{"dashboards":[],"next":""}`}, []string{"GET /dashboards?limit=1000"}, "No dashboards.", "", 0},
		{"list as JSON", []string{"list", "--output=json"}, []string{`{"dashboards":[{"uid":"u"}],"next":""}`}, []string{"GET /dashboards?limit=1000"}, `"uid": "u"`, "", 0},
		{"export", []string{"export", "u"}, []string{`{"dashboard":` + text + `,"meta":{}}`}, []string{"GET /dashboards/u"}, text + "\n", "", 0},
		{"export nothing", []string{"export"}, nil, nil, "", "name the uid of a dashboard", exitUsage},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			at := answerWith(t, func(w http.ResponseWriter, r *http.Request) {
				raw, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				line := r.Method + " " + strings.TrimPrefix(r.RequestURI, "/touchline/v1")
				if len(raw) > 0 {
					line += " " + string(raw)
				}
				if asked = append(asked, line); len(asked) > len(c.answers) {
					http.Error(w, "too many requests", http.StatusTeapot)
					return
				}
				_, _ = io.WriteString(w, c.answers[len(asked)-1])
			})
			out, errs, code := runCommand(t, newDashboardsCommand(), append(c.args, "--url", at, "--token-file=")...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.err) {
				t.Errorf("code %d, stdout %q, stderr %q; want %d, %q, %q", code, out, errs, c.code, c.out, c.err)
			}
			if got, want := strings.Join(asked, "\n"), strings.Join(c.asked, "\n"); got != want {
				t.Errorf("asked\n%s\nwant\n%s", got, want)
			}
		})
	}
}
