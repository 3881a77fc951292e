package main

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// TestAccountCommands runs each command against a server that answers as the
// real one does, and looks at what was asked and printed.
func TestAccountCommands(t *testing.T) {
	const (
		anna    = `{"name":"anna","display_name":"Anna","email":"a@example.com","role":"editor","language":"","disabled":false,"has_password":true,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","version":2}`
		bo      = `{"name":"bo","display_name":"","email":"","role":"viewer","language":"","disabled":true,"has_password":false,"created_at":"2026-01-01T00:00:00Z","updated_at":"2026-01-01T00:00:00Z","version":1}`
		token   = `{"id":"ABC","name":"node-1","scopes":["ingest"],"created_at":"2026-01-01T00:00:00Z","created_by":"anna"}`
		old     = `{"id":"OLD","name":"node-1","user":"anna","scopes":["read","respond"],"created_at":"2026-01-01T00:00:00Z","created_by":"anna","revoked_at":"2026-02-01T00:00:00Z"}`
		link    = `{"url":"http://x/ui/setup?token=s3cret","purpose":"password","created_by":"root","expires_at":"2026-01-02T00:00:00Z"}`
		audit   = `{"entries":[{"id":"1","at":"2026-01-01T00:00:00Z","actor":"anna","method":"session","remote":"10.0.0.1:5","action":"user.update","target":"user/bo","before":{"role":"viewer"}}],"next_cursor":"x"}`
		refused = `{"entries":[{"id":"2","at":"2026-01-01T00:00:00Z","actor":"anonymous","method":"basic","remote":"10.0.0.6","action":"sign-in.failed","target":"user/anna","after":{"attempts":17,"last":"2026-01-01T00:00:30Z","reasons":{"wrong":17}}}]}`
	)
	dir := t.TempDir()
	secret := filepath.Join(dir, "password")
	if err := os.WriteFile(secret, []byte("a long password\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "token")
	for _, c := range []struct {
		name    string
		command func() *cobra.Command
		args    []string
		answers []string // one for each request
		asked   []string // method, path and body of each
		out     string
		err     string
		code    int
	}{
		{"users over two pages", newUsersCommand, []string{"list"}, []string{`{"users":[` + anna + `],"next_cursor":"c"}`, `{"users":[` + bo + `]}`},
			[]string{"GET /users?limit=1000", "GET /users?cursor=c&limit=1000"}, "bo    viewer  disabled", "", 0},
		{"no users", newUsersCommand, []string{"list"}, []string{`{"users":[]}`}, []string{"GET /users?limit=1000"}, "touchline users link", "", 0},
		{"users as JSON", newUsersCommand, []string{"list", "--output=json"}, []string{`{"users":[` + anna + `]}`}, []string{"GET /users?limit=1000"}, `"name": "anna"`, "", 0},
		{"add with a link", newUsersCommand, []string{"add", "anna", "--role=editor", "--email=a@example.com"}, []string{anna, link},
			[]string{`POST /users {"display_name":"","email":"a@example.com","language":"","name":"anna","role":"editor"}`, `POST /invitations {"user":"anna"}`}, "http://x/ui/setup?token=s3cret\n", "anna chooses a password", 0},
		{"add with a password", newUsersCommand, []string{"add", "anna", "--role=editor", "--password-file", secret}, []string{anna},
			[]string{`POST /users {"display_name":"","email":"","language":"","name":"anna","password":"a long password","role":"editor"}`}, "anna is editor.", "", 0},
		{"add without a name", newUsersCommand, []string{"add"}, nil, nil, "", "name the user", exitUsage},
		{"bind", newUsersCommand, []string{"bind", "anna", "https://id.example.com 1"}, []string{anna}, []string{`PATCH /users/anna {"subject":"https://id.example.com 1"}`}, "anna is editor.", "", 0},
		{"set a role", newUsersCommand, []string{"set-role", "anna", "editor"}, []string{anna}, []string{`PATCH /users/anna {"role":"editor"}`}, "anna is editor.", "", 0},
		{"disable", newUsersCommand, []string{"disable", "bo"}, []string{bo}, []string{`PATCH /users/bo {"disabled":true}`}, "bo is viewer and disabled.", "", 0},
		{"enable", newUsersCommand, []string{"enable", "a/b"}, []string{anna}, []string{`PATCH /users/a%2Fb {"disabled":false}`}, "anna is editor.", "", 0},
		{"password", newUsersCommand, []string{"password", "anna", "--password-file", secret}, []string{""}, []string{`PUT /users/anna/password {"password":"a long password"}`}, "has been changed", "", 0},
		{"password without a terminal", newUsersCommand, []string{"password", "anna"}, nil, nil, "", "no terminal", exitUsage},
		{"password of nothing", newUsersCommand, []string{"password", "anna", "--password-file=-"}, nil, nil, "", "does not hold a password", exitUsage},
		{"link of an administrator", newUsersCommand, []string{"link"}, []string{link}, []string{`POST /invitations {"user":""}`}, "http://x/ui/setup?token=s3cret\n", "becomes an administrator", 0},

		{"tokens", newTokensCommand, []string{"list", "--all"}, []string{`{"tokens":[` + token + `,` + old + `]}`}, []string{"GET /tokens?all=true&limit=1000"}, "revoked  never", "", 0},
		{"add a token", newTokensCommand, []string{"add", "node-1", "--expires=never"}, []string{`{"secret":"tl_X","token":` + token + `}`},
			[]string{`POST /tokens {"name":"node-1","scopes":["ingest"]}`}, "tl_X\n", "does not expire", 0},
		{"add a token to a file", newTokensCommand, []string{"add", "node-1", "--expires=never", "--scope=read,respond", "--user=anna", "--file", file}, []string{`{"secret":"tl_X","token":` + token + `}`},
			[]string{`POST /tokens {"name":"node-1","user":"anna","scopes":["read","respond"]}`}, "", "It stands in " + file, 0},
		{"add a token to a file that is there", newTokensCommand, []string{"add", "node-1", "--file", secret}, nil, nil, "", "is there already", exitUsage},
		{"add a token for no time", newTokensCommand, []string{"add", "node-1", "--expires=soon"}, nil, nil, "", "--expires: ", exitUsage},
		{"rotate", newTokensCommand, []string{"rotate", "node-1", "--overlap=2h"}, []string{`{"secret":"tl_Y","token":` + token + `}`}, []string{`POST /tokens/node-1/rotate {"overlap_seconds":7200}`}, "tl_Y\n", "Token node-1 (ABC)", 0},
		{"revoke", newTokensCommand, []string{"revoke", "node-1"}, []string{`{"tokens":[` + old + `]}`}, []string{"DELETE /tokens/node-1"}, "Token node-1 (OLD) is revoked.", "", 0},

		{"audit", newAuditCommand, []string{"--actor=anna", "--action=user.", "--limit=1"}, []string{audit}, []string{"GET /audit?action=user.&actor=anna&limit=1"}, "anna  session  10.0.0.1:5  user.update  user/bo", "", 0},
		{"refused sign-ins", newAuditCommand, []string{"--action=sign-in.failed"}, []string{refused}, []string{"GET /audit?action=sign-in.failed&limit=50"}, "anonymous  basic  10.0.0.6  sign-in.failed ×17  user/anna", "", 0},
		{"audit as JSON", newAuditCommand, []string{"--output=json"}, []string{audit}, []string{"GET /audit?limit=50"}, `"role": "viewer"`, "", 0},
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
				asked = append(asked, line)
				if len(asked) > len(c.answers) {
					http.Error(w, "too many requests", http.StatusTeapot)
					return
				}
				if answer := c.answers[len(asked)-1]; answer == "" {
					w.WriteHeader(http.StatusNoContent)
				} else {
					_, _ = io.WriteString(w, answer)
				}
			})
			out, errs, code := runCommand(t, c.command(), append(c.args, "--url", at, "--token-file=")...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.err) {
				t.Errorf("code %d, stdout %q, stderr %q; want %d, %q, %q", code, out, errs, c.code, c.out, c.err)
			}
			if got, want := strings.Join(asked, "\n"), strings.Join(c.asked, "\n"); got != want {
				t.Errorf("asked\n%s\nwant\n%s", got, want)
			}
			if strings.Contains(out+errs, "a long password") || strings.Contains(errs, "tl_") || strings.Contains(errs, "s3cret") {
				t.Errorf("a secret where it does not belong: %q, %q", out, errs)
			}
		})
	}
	raw, err := os.ReadFile(file)
	fi, serr := os.Stat(file)
	if err != nil || serr != nil || string(raw) != "tl_X\n" || fi.Mode().Perm() != 0o600 {
		t.Errorf("the file of the token: %q %v %v %v", raw, fi.Mode(), err, serr)
	}
}

func TestExpiry(t *testing.T) {
	if got, err := expiry("90d"); err != nil || time.Until(got).Round(time.Hour) != 90*24*time.Hour {
		t.Error(got, err)
	}
	if got, err := expiry("never"); err != nil || !got.IsZero() {
		t.Error(got, err)
	}
	for _, bad := range []string{"", "0s", "-1d", "tomorrow"} {
		if _, err := expiry(bad); err == nil || !strings.Contains(err.Error(), "never") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	raw, err := json.Marshal(struct {
		ExpiresAt time.Time `json:"expires_at,omitzero"`
	}{})
	if err != nil || string(raw) != "{}" {
		t.Errorf("no expiry is sent as %s", raw)
	}
}
