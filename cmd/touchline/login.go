package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"touchline.dev/touchline/internal/identity"
)

const (
	mePath       = "/touchline/v1/me"
	myTokensPath = "/touchline/v1/me/tokens"
)

// whoami is what a server says of who asks.
type whoami struct {
	Name  string         `json:"name"`
	Token string         `json:"token"`
	User  *identity.User `json:"user"`
}

type loginCommand struct {
	server       clientFlags
	user         string
	passwordFile string
	scopes       []string
	expires      string
	tokenStdin   bool
}

func newLoginCommand() *cobra.Command {
	l := &loginCommand{}
	cmd := &cobra.Command{
		Use:   "login",
		Short: "Log in at a server, for the commands that follow",
		Long: "Make a token of one's own at a server and keep it, readable by nobody else, in touchline/logins.json below the user's folder for configuration\n" +
			"($XDG_CONFIG_HOME, ~/.config). All other commands show it to that server, and ask the server of the last login where nothing else says which\n" +
			"one: no --url, no TOUCHLINE_URL, and no server that was started in this folder. --token-file and --storage.path come first.\n\n" +
			"Whoever signs in at a provider has no password: make a token in the console (Administration), and give it to --token-stdin.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return l.run(cmd) },
	}
	l.server.registerURL(cmd)
	f := cmd.Flags()
	f.StringVar(&l.user, "user", "", "who logs in; asked for where it is left out")
	f.StringVar(&l.passwordFile, "password-file", "", "file with the password, \"-\" for standard input; asked for where it is left out")
	f.StringSliceVar(&l.scopes, "scope", nil, "what the token may do, of read, ingest, respond, change and admin, or a role; all that the user may where it is left out")
	f.StringVar(&l.expires, "expires", "90d", "how long it is valid, 366d at most")
	f.BoolVar(&l.tokenStdin, "token-stdin", false, "read a token that there is already from standard input, instead of making one")
	cmd.MarkFlagsMutuallyExclusive("token-stdin", "user")
	cmd.MarkFlagsMutuallyExclusive("token-stdin", "password-file")
	return cmd
}

func (l *loginCommand) run(cmd *cobra.Command) error {
	ctx := cmd.Context()
	known, err := readLogins()
	if err != nil {
		return err
	}
	at, err := l.server.locate()
	if err != nil {
		return err
	}
	c, err := newClient(at.address)
	if err != nil {
		return err
	}
	if c.base.Scheme == "http" && !isLocal(c.base.Hostname()) {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s is not encrypted: whoever is on the way can read what is sent there.\n", c.base)
	}
	var fresh login
	if l.tokenStdin {
		fresh, err = c.loginByToken(ctx, cmd.InOrStdin())
	} else {
		fresh, err = l.loginByPassword(cmd, c)
	}
	if err != nil {
		return err
	}
	var old login
	if before := known.at(c.base); before != nil {
		old = *before
	}
	if err := known.set(c.base, fresh); err != nil {
		if !l.tokenStdin {
			err = errors.Join(err, c.as(fresh).revoke(context.WithoutCancel(ctx), fresh))
		}
		return err
	}
	until := ""
	if !fresh.ExpiresAt.IsZero() {
		until = " until " + day(fresh.ExpiresAt)
	}
	fmt.Fprintf(cmd.OutOrStdout(), "Logged in at %s as %s%s; the token is in %s.\n", c.base, fresh.User, until, known.path)
	switch {
	case old.TokenID == "" || old.TokenID == fresh.TokenID:
	case old.Given:
		fmt.Fprintln(cmd.ErrOrStderr(), "The token of the login before was handed in, and stays valid: others may use it. The console's page of your profile revokes it.")
	default:
		var bad *badTokenError
		if err := c.as(old).revoke(ctx, old); err != nil && !errors.As(err, &bad) {
			fmt.Fprintf(cmd.ErrOrStderr(), "The token of the login before is still valid: %v\n", err)
		}
	}
	return nil
}

// loginByToken takes over a token that there is already.
func (c *apiClient) loginByToken(ctx context.Context, in io.Reader) (login, error) {
	token, err := readToken(in, "standard input")
	if err != nil {
		return login{}, err
	}
	out := login{Token: token, Given: true}
	me, err := c.as(out).whoami(ctx)
	if err != nil {
		return login{}, err
	}
	out.User = me.Name
	if me.User == nil {
		return out, nil
	}
	out.TokenID = me.Token
	var own struct{ Tokens []identity.Token }
	if err := c.as(out).getJSON(ctx, myTokensPath, &own); err != nil {
		return login{}, err
	}
	for _, t := range own.Tokens {
		if t.ID == me.Token {
			out.ExpiresAt = t.ExpiresAt
		}
	}
	return out, nil
}

// loginByPassword makes a token.
func (l *loginCommand) loginByPassword(cmd *cobra.Command, c *apiClient) (login, error) {
	until, err := expiry(l.expires)
	if err != nil {
		return login{}, &exitError{code: exitUsage, err: err}
	}
	if until.IsZero() {
		return login{}, &exitError{code: exitUsage, err: errors.New("--expires: a login ends; write a duration such as 90d")}
	}
	if c.user, err = l.askUser(cmd); err != nil {
		return login{}, err
	}
	if l.passwordFile != "" {
		c.password, err = readPassword(cmd, l.passwordFile)
	} else {
		c.password, err = askPassword(cmd, "Password: ")
	}
	if err != nil {
		return login{}, err
	}
	me, err := c.whoami(cmd.Context())
	switch {
	case err != nil:
		return login{}, err
	case me.User == nil:
		return login{}, fmt.Errorf("%s is a user of the server's web configuration, who has no tokens; an administrator makes one with \"touchline tokens add\", and --token-stdin takes it", me.Name)
	}
	if len(l.scopes) == 0 {
		l.scopes = []string{string(me.User.Role)}
	}
	var made madeToken
	if err := c.sendJSON(cmd.Context(), http.MethodPost, myTokensPath, struct {
		Name      string    `json:"name"`
		Scopes    []string  `json:"scopes"`
		ExpiresAt time.Time `json:"expires_at"`
	}{loginName(time.Now()), l.scopes, until}, &made); err != nil {
		return login{}, err
	}
	return login{User: me.Name, Token: made.Secret, TokenID: made.Token.ID, ExpiresAt: made.Token.ExpiresAt}, nil
}

func (l *loginCommand) askUser(cmd *cobra.Command) (string, error) {
	if l.user != "" {
		return l.user, nil
	}
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", &exitError{code: exitUsage, err: errors.New("there is no terminal to ask who logs in; give --user and --password-file, or --token-stdin")}
	}
	fmt.Fprint(cmd.ErrOrStderr(), "User: ")
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read user: %w", err)
	}
	return strings.TrimSpace(line), nil
}

// loginName calls a token by this machine and the time, so that one finds it in
// the list, and the next login is not in its way.
func loginName(now time.Time) string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	host = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, host)
	const most = 40
	return "cli-" + host[:min(len(host), most)] + "-" + now.UTC().Format("20060102T150405")
}

// as is the same client with the token of a login.
func (c *apiClient) as(l login) *apiClient {
	out := *c
	out.user, out.password = "", ""
	out.token, out.login = l.Token, l.User
	return &out
}

func (c *apiClient) whoami(ctx context.Context) (whoami, error) {
	var me whoami
	err := c.getJSON(ctx, mePath, &me)
	return me, err
}

// revoke ends the token of a login, which shows itself.
func (c *apiClient) revoke(ctx context.Context, l login) error {
	return c.do(ctx, http.MethodDelete, myTokensPath+"/"+url.PathEscape(l.TokenID), "", nil, nil)
}

func newLogoutCommand() *cobra.Command {
	var server clientFlags
	var forget bool
	cmd := &cobra.Command{
		Use:   "logout",
		Short: "End the login at a server",
		Long:  "End the token that \"touchline login\" has kept, at the server and on this machine. Without --url it is that of the last login.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			known, err := readLogins()
			if err != nil {
				return err
			}
			address := known.Current
			if server.named() || address == "" {
				address = server.URL
			}
			c, err := newClient(address)
			if err != nil {
				return err
			}
			found := known.at(c.base)
			if found == nil {
				return &exitError{code: exitUsage, err: fmt.Errorf("there is no login at %s; \"touchline login\" makes one", c.base)}
			}
			l := *found
			ended, err := c.end(cmd.Context(), l, forget)
			if err != nil {
				return err
			}
			if err := known.remove(c.base); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s is logged out at %s; %s.\n", l.User, c.base, ended)
			return nil
		},
	}
	server.registerURL(cmd)
	cmd.Flags().BoolVar(&forget, "forget", false, "forget the token without asking the server, where it stays valid")
	return cmd
}

// end ends the token of a login, and says what has become of it.
func (c *apiClient) end(ctx context.Context, l login, forget bool) (string, error) {
	switch {
	case forget:
		return "the token is forgotten here, and stays valid at the server until it expires or is revoked", nil
	case l.TokenID == "":
		return "the token is not a user's and stays valid until an administrator revokes it with \"touchline tokens revoke\"", nil
	}
	err := c.as(l).revoke(ctx, l)
	var bad *badTokenError
	switch {
	case errors.As(err, &bad):
		return "the token was no longer valid", nil
	case err != nil:
		return "", fmt.Errorf("%w; --forget forgets the token without asking the server", err)
	}
	return "the token is revoked", nil
}
