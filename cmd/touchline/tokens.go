package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/identity"
)

func newTokensCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "tokens",
		Short: "List tokens, make, rotate and revoke them",
		Long: "Programs show a token: Authorization: Bearer TOKEN. An agent that only sends needs the scope ingest, with which it can read nothing.\n" +
			"A token is shown once, when it is made; the server keeps a digest of it.",
	}
	cmd.AddCommand(newTokensListCommand(), newTokensAddCommand(), newTokensRotateCommand(), newTokensRevokeCommand())
	return cmd
}

func newTokensListCommand() *cobra.Command {
	a := &accountCommand{}
	var all bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List tokens that are valid",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			tokens := []identity.Token{}
			if err := everyPage(cmd.Context(), c, tokensPath, url.Values{"all": {strconv.FormatBool(all)}}, func(raw json.RawMessage) (string, error) {
				var page struct {
					Tokens     []identity.Token
					NextCursor string `json:"next_cursor"`
				}
				err := json.Unmarshal(raw, &page)
				tokens = append(tokens, page.Tokens...)
				return page.NextCursor, err
			}); err != nil {
				return err
			}
			return a.print(cmd, tokens, func(w io.Writer) { listTokens(w, tokens) })
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "those that have ended in the last 90 days, too")
	return a.register(cmd)
}

func listTokens(w io.Writer, tokens []identity.Token) {
	if len(tokens) == 0 {
		fmt.Fprintln(w, "No tokens. The admin token in the data folder, and those of --web.tokens-file, are not listed.")
		return
	}
	fmt.Fprintln(w, "ID\tNAME\tOF\tSCOPES\tSTATE\tEXPIRES\tUSED\tMADE BY")
	for _, t := range tokens {
		of, state := "an agent", "valid"
		if t.User != "" {
			of = t.User
		}
		switch {
		case !t.RevokedAt.IsZero():
			state = "revoked"
		case t.Ended(time.Now()):
			state = "expired"
		case t.ReplacedBy != "":
			state = "rotated"
		}
		scopes := make([]string, len(t.Scopes))
		for i, s := range t.Scopes {
			scopes[i] = string(s)
		}
		expires := "never"
		if !t.ExpiresAt.IsZero() {
			expires = day(t.ExpiresAt)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Name, of, strings.Join(scopes, ","), state, expires, day(t.UsedAt), t.CreatedBy)
	}
}

// expiry reads --expires: a duration from now, or never.
func expiry(text string) (time.Time, error) {
	if text == "never" {
		return time.Time{}, nil
	}
	d, err := config.ParseDuration(text)
	if err == nil && d <= 0 {
		err = errors.New("that is not in the future")
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("--expires: %w; write a duration such as 90d, or never", err)
	}
	return time.Now().Add(d).UTC(), nil
}

// madeToken is the answer of the server that shows a secret.
type madeToken struct {
	Secret string         `json:"secret"`
	Token  identity.Token `json:"token"`
}

// show prints a secret alone to standard output, or writes it to a file that is
// not there yet, and says beside it what it is.
func (a *accountCommand) show(cmd *cobra.Command, m madeToken, file string) error {
	if file != "" {
		f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err != nil {
			return fmt.Errorf("the token %s is made, and cannot be written: %w; revoke it with \"touchline tokens revoke %s\"", m.Token.Name, err, m.Token.ID)
		}
		_, err = f.WriteString(m.Secret + "\n")
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("the token %s is made, and cannot be written: %w; revoke it with \"touchline tokens revoke %s\"", m.Token.Name, err, m.Token.ID)
		}
		m.Secret = ""
	}
	if a.output == "json" {
		return writeJSON(cmd.OutOrStdout(), m)
	}
	var info bytes.Buffer
	until := "and does not expire"
	if !m.Token.ExpiresAt.IsZero() {
		until = "and expires at " + day(m.Token.ExpiresAt)
	}
	fmt.Fprintf(&info, "Token %s (%s) is valid %s.", m.Token.Name, m.Token.ID, until)
	if file != "" {
		fmt.Fprintf(&info, " It stands in %s.\n", file)
	} else {
		fmt.Fprint(&info, " It is shown this once:\n")
	}
	fmt.Fprint(cmd.ErrOrStderr(), info.String())
	if m.Secret == "" {
		return nil
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), m.Secret)
	return err
}

func newTokensAddCommand() *cobra.Command {
	a := &accountCommand{}
	var scopes []string
	var user, expires, file string
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a token and print it, once",
		Long:  "Make a token and print it, once. Standard output has the token alone.",
		Args:  wantArgs(1, 1, "the token", "touchline tokens add node-1 --scope=ingest"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			until, err := expiry(expires)
			if err != nil {
				return &exitError{code: exitUsage, err: err}
			}
			if file != "" {
				if _, err := os.Lstat(file); err == nil {
					return &exitError{code: exitUsage, err: fmt.Errorf("%s is there already; name a file that is not", file)}
				}
			}
			var m madeToken
			if err := c.sendJSON(cmd.Context(), http.MethodPost, tokensPath, struct {
				Name      string    `json:"name"`
				User      string    `json:"user,omitempty"`
				Scopes    []string  `json:"scopes"`
				ExpiresAt time.Time `json:"expires_at,omitzero"`
			}{args[0], user, scopes, until}, &m); err != nil {
				return err
			}
			return a.show(cmd, m, file)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&scopes, "scope", []string{string(identity.Ingest)}, "read, ingest, respond, change or admin, or a role; may be repeated")
	f.StringVar(&user, "user", "", "whose it is: it may do no more than they may; an agent's where it is left out")
	f.StringVar(&expires, "expires", "365d", "how long it is valid, or never")
	f.StringVar(&file, "file", "", "write it to this new file, mode 0600, instead of printing it")
	return a.register(cmd)
}

func newTokensRotateCommand() *cobra.Command {
	a := &accountCommand{}
	var overlap, expires, file string
	cmd := &cobra.Command{
		Use:   "rotate NAME|ID",
		Short: "Make a token in place of another one, which stays valid for a while",
		Args:  wantArgs(1, 1, "the token", "touchline tokens rotate node-1 --overlap=24h"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			both, err := config.ParseDuration(overlap)
			if err != nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("--overlap: %w", err)}
			}
			var until time.Time
			if expires != "" {
				if until, err = expiry(expires); err != nil {
					return &exitError{code: exitUsage, err: err}
				}
			}
			var m madeToken
			if err := c.sendJSON(cmd.Context(), http.MethodPost, tokensPath+"/"+url.PathEscape(args[0])+"/rotate", struct {
				OverlapSeconds int64     `json:"overlap_seconds"`
				ExpiresAt      time.Time `json:"expires_at,omitzero"`
			}{int64(both / time.Second), until}, &m); err != nil {
				return err
			}
			return a.show(cmd, m, file)
		},
	}
	f := cmd.Flags()
	f.StringVar(&overlap, "overlap", "24h", "how long the old one stays valid")
	f.StringVar(&expires, "expires", "", "how long the new one is valid; as long as the old one was to be, where it is left out")
	f.StringVar(&file, "file", "", "write it to this new file, mode 0600, instead of printing it")
	return a.register(cmd)
}

func newTokensRevokeCommand() *cobra.Command {
	a := &accountCommand{}
	return a.register(&cobra.Command{
		Use:   "revoke NAME|ID",
		Short: "End a token at once; by name, the one it was rotated from, too",
		Args:  wantArgs(1, 1, "the token", "touchline tokens revoke node-1"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			var ended struct {
				Tokens []identity.Token `json:"tokens"`
			}
			if err := c.do(cmd.Context(), http.MethodDelete, tokensPath+"/"+url.PathEscape(args[0]), "", nil, &ended); err != nil {
				return err
			}
			return a.print(cmd, ended.Tokens, func(w io.Writer) {
				for _, t := range ended.Tokens {
					fmt.Fprintf(w, "Token %s (%s) is revoked.\n", t.Name, t.ID)
				}
				if len(ended.Tokens) == 0 {
					fmt.Fprintf(w, "Token %s was revoked already.\n", args[0])
				}
			})
		},
	})
}

// deed is what somebody did, and of sign-ins that were refused how often.
func deed(e identity.AuditRow) string {
	var sum identity.FailedSignIns
	if e.Action != identity.SignInFailed || json.Unmarshal(e.After, &sum) != nil {
		return e.Action
	}
	return fmt.Sprintf("%s ×%d", e.Action, sum.Attempts)
}

func newAuditCommand() *cobra.Command {
	a := &accountCommand{}
	var actor, action, target, since string
	var limit int
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Show who changed what, newest first",
		Long: "Show who changed what, newest first. --output=json also shows what it was before and is after.\n\n" +
			"Sign-ins that were refused are there, too, one entry for those of a minute: --action=sign-in.failed.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			q := url.Values{"limit": {strconv.Itoa(limit)}}
			for key, value := range map[string]string{"actor": actor, "action": action, "target": target} {
				if value != "" {
					q.Set(key, value)
				}
			}
			if since != "" {
				d, err := config.ParseDuration(since)
				if err != nil {
					return &exitError{code: exitUsage, err: fmt.Errorf("--since: %w", err)}
				}
				q.Set("from", time.Now().Add(-d).UTC().Format(time.RFC3339))
			}
			var page struct {
				Entries    []identity.AuditRow `json:"entries"`
				NextCursor string              `json:"next_cursor,omitempty"`
			}
			if err := c.getJSON(cmd.Context(), auditPath+"?"+q.Encode(), &page); err != nil {
				return err
			}
			return a.print(cmd, page, func(w io.Writer) {
				if len(page.Entries) == 0 {
					fmt.Fprintln(w, "No changes.")
					return
				}
				fmt.Fprintln(w, "WHEN\tWHO\tHOW\tFROM\tWHAT\tTO")
				for _, e := range page.Entries {
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", e.At.Local().Format("2006-01-02 15:04:05"), e.Actor, e.Method, e.Remote, deed(e), e.Target)
				}
				if page.NextCursor != "" {
					fmt.Fprintln(w, "There are more; --limit shows up to 1000.")
				}
			})
		},
	}
	f := cmd.Flags()
	f.StringVar(&actor, "actor", "", "only by this user or token")
	f.StringVar(&action, "action", "", "only this action, or those that begin with it where it ends with a dot, such as user.")
	f.StringVar(&target, "target", "", "only to this, such as user/anna, or to those that begin with it where it ends with a slash")
	f.StringVar(&since, "since", "", "only as far back, such as 24h")
	f.IntVar(&limit, "limit", 50, "how many")
	return a.register(cmd)
}
