package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const (
	defaultURL    = "http://127.0.0.1:7070"
	clientTimeout = 30 * time.Second
	maxAnswer     = 64 << 20 // bytes of one answer that a command reads
	maxTokenFile  = 4 << 10
)

// clientFlags are the flags of every command that talks to a server.
type clientFlags struct {
	URL       string
	TokenFile string

	dir   string         // data folder of the server
	flags *pflag.FlagSet // of the command; nil where nothing was registered
}

// register adds --url, --token-file and --storage.path.
func (f *clientFlags) register(cmd *cobra.Command) {
	f.registerServer(cmd)
	cmd.Flags().StringVar(&f.dir, "storage.path", f.dir,
		"data folder of the server; its endpoints.json and admin.token are used unless --url and --token-file say otherwise")
}

// registerServer adds --url and --token-file.
func (f *clientFlags) registerServer(cmd *cobra.Command) {
	f.registerURL(cmd)
	f.registerToken(cmd)
}

// registerURL adds --url.
func (f *clientFlags) registerURL(cmd *cobra.Command) {
	at := os.Getenv("TOUCHLINE_URL")
	if at == "" {
		at = defaultURL
	}
	cmd.Flags().StringVar(&f.URL, "url", at, "address of the server (TOUCHLINE_URL), if not the one that was started in this folder")
	f.flags, f.dir = cmd.Flags(), defaultDataDir
}

// registerToken adds --token-file.
func (f *clientFlags) registerToken(cmd *cobra.Command) {
	f.flags, f.dir = cmd.Flags(), defaultDataDir
	cmd.Flags().StringVar(&f.TokenFile, "token-file", os.Getenv("TOUCHLINE_TOKEN_FILE"),
		"file with the token to show (TOUCHLINE_TOKEN_FILE), if not that of the login there, or of the server that was started in this folder")
}

// apiClient talks to one server.
type apiClient struct {
	base      *url.URL
	token     string
	tokenFile string
	login     string // whose login the token is of, "" where it is of a file
	user      string // who shows a password instead of a token
	password  string
	found     string // the file that the address was found in; empty where it was given
	http      *http.Client
}

// client checks the flags and reads the token.
func (f *clientFlags) client() (*apiClient, error) {
	at, err := f.locate()
	if err != nil {
		return nil, err
	}
	c, err := newClient(at.address)
	if err != nil {
		return nil, err
	}
	c.found, c.tokenFile = at.in, at.tokenFile
	if at.login != nil {
		return c.as(*at.login), nil
	}
	if at.tokenFile == "" {
		return c, nil
	}
	file, err := os.Open(at.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("read token: %w; give the file that the server wrote (its start-up lines name it) as --token-file", err)
	}
	defer file.Close()
	if c.token, err = readToken(file, at.tokenFile); err != nil {
		return nil, err
	}
	return c, nil
}

// newClient makes a client that shows nothing.
func newClient(address string) (*apiClient, error) {
	base, err := parseAddress(address)
	if err != nil {
		return nil, err
	}
	return &apiClient{base: base, http: &http.Client{
		Timeout: clientTimeout,
		// A token must not follow a redirect to another host, nor from https to http.
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Host != base.Host || req.URL.Scheme != base.Scheme {
				return fmt.Errorf("server redirects to another address, %s://%s; give that as --url if it is right", req.URL.Scheme, req.URL.Host)
			}
			if len(via) > 5 {
				return errors.New("too many redirects")
			}
			return nil
		},
	}}, nil
}

// readToken reads a token from what has the given name.
func readToken(in io.Reader, name string) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(in, maxTokenFile+1))
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	token := strings.TrimSpace(string(raw))
	if token == "" || len(raw) > maxTokenFile || strings.ContainsAny(token, " \t\r\n") {
		return "", fmt.Errorf("read token: %s does not hold a token on one line", name)
	}
	return token, nil
}

// getJSON asks for path, which may have a query, and decodes the answer.
func (c *apiClient) getJSON(ctx context.Context, path string, out any) error {
	return c.do(ctx, http.MethodGet, path, "", nil, out)
}

// postForm sends a form and decodes the answer.
func (c *apiClient) postForm(ctx context.Context, path string, form url.Values, out any) error {
	return c.do(ctx, http.MethodPost, path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), out)
}

func (c *apiClient) do(ctx context.Context, method, path, contentType string, body io.Reader, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "touchline-cli")
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if shown := c.authorization(); shown != "" {
		req.Header.Set("Authorization", shown)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return c.explain(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("read answer of %s: %w", c.base, err)
	}
	if len(raw) > maxAnswer {
		return fmt.Errorf("read answer of %s%s: it is larger than %d MiB", c.base, path, maxAnswer>>20)
	}
	if resp.StatusCode/100 != 2 {
		return c.refused(resp, path, raw)
	}
	switch out := out.(type) {
	case nil:
		return nil
	case *[]byte:
		*out = raw
		return nil
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("read answer of %s%s: %w; is this a Touchline server?", c.base, path, err)
	}
	return nil
}

// authorization is what requests show in the header of that name, "" for nothing.
func (c *apiClient) authorization() string {
	switch {
	case c.user != "":
		return "Basic " + base64.StdEncoding.EncodeToString([]byte(c.user+":"+c.password))
	case c.token != "":
		return "Bearer " + c.token
	}
	return ""
}

// explain says what to do when there is no answer at all.
func (c *apiClient) explain(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, syscall.ECONNREFUSED):
		at := c.base.String()
		if c.found != "" {
			at += ", the address in " + c.found
		}
		return &noServerError{at}
	}
	return fmt.Errorf("ask server: %w; --url or TOUCHLINE_URL gives its address", err)
}

// noServerError says that nothing listens at an address.
type noServerError struct{ at string }

func (e *noServerError) Error() string {
	return fmt.Sprintf("no server answers at %s; start one with \"touchline run\", or give its address with --url or TOUCHLINE_URL", e.at)
}

// badTokenError says that a server does not know a token, or no longer.
type badTokenError struct{ text string }

func (e *badTokenError) Error() string { return e.text }

// refused turns an HTTP status into an error that says what to do.
func (c *apiClient) refused(resp *http.Response, path string, raw []byte) error {
	reason := answerReason(raw)
	switch resp.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		forbidden := resp.StatusCode == http.StatusForbidden && reason != ""
		if reason == "" {
			reason = resp.Status
		}
		switch {
		case c.user != "":
			return fmt.Errorf("%s refuses: %s", c.base, reason)
		case c.token == "":
			return fmt.Errorf("%s asks for a token; give the file that it wrote at its first start (data/admin.token in its directory) as --token-file, or sign in with \"touchline login\"", c.base)
		case forbidden && c.login != "":
			return fmt.Errorf("%s refuses: %s; you are logged in as %s, and --token-file shows another token", c.base, reason, c.login)
		case forbidden:
			return fmt.Errorf("%s refuses: %s", c.base, reason)
		case c.login != "":
			return &badTokenError{fmt.Sprintf("%s does not accept the token of this login (%s); sign in again with \"touchline login --url=%s\"", c.base, reason, c.base)}
		}
		return &badTokenError{fmt.Sprintf("%s does not accept the token in %s (%s); give the file that this server wrote, or one with a token of \"touchline tokens add\", as --token-file", c.base, c.tokenFile, reason)}
	case http.StatusNotFound:
		if resp.Header.Get("Content-Type") == "application/problem+json" && !strings.HasPrefix(reason, "path ") {
			return errors.New(reason)
		}
		return fmt.Errorf("%s has no %s; is this a Touchline server, and is its route prefix part of --url?", c.base, strings.SplitN(path, "?", 2)[0])
	}
	if resp.Header.Get("Content-Type") == "application/problem+json" && resp.StatusCode < http.StatusInternalServerError {
		return errors.New(reason)
	}
	if reason != "" {
		return fmt.Errorf("%s answers %s: %s", c.base, resp.Status, reason)
	}
	return fmt.Errorf("%s answers %s", c.base, resp.Status)
}

// answerReason finds the reason in the error shapes of the APIs.
func answerReason(raw []byte) string {
	var shape struct {
		Error, Message, Detail string
		Errors                 []struct{ Message, Location string }
	}
	if json.Unmarshal(raw, &shape) == nil {
		for _, e := range shape.Errors {
			shape.Detail += fmt.Sprintf("; %s: %s", e.Location, e.Message)
		}
		for _, s := range []string{shape.Error, shape.Message, shape.Detail} {
			if s != "" {
				return s
			}
		}
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	if s := strings.TrimSpace(string(raw)); len(s) < 300 && !strings.Contains(s, "<") {
		return s
	}
	return ""
}
