package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"touchline.dev/touchline/internal/identity"
)

const (
	usersPath  = "/touchline/v1/users"
	tokensPath = "/touchline/v1/tokens"
	invitePath = "/touchline/v1/invitations"
	auditPath  = "/touchline/v1/audit"
)

// accountCommand is what all commands about users, tokens and the audit log have
// in common.
type accountCommand struct {
	flags  clientFlags
	output string
}

func (a *accountCommand) register(cmd *cobra.Command) *cobra.Command {
	a.flags.register(cmd)
	cmd.Flags().StringVar(&a.output, "output", "text", "text or json")
	return cmd
}

func (a *accountCommand) client() (*apiClient, error) {
	if a.output != "text" && a.output != "json" {
		return nil, fmt.Errorf("--output=%s is unknown; write text or json", a.output)
	}
	return a.flags.client()
}

// print writes an answer as JSON, or what text writes.
func (a *accountCommand) print(cmd *cobra.Command, v any, text func(w io.Writer)) error {
	if a.output == "json" {
		return writeJSON(cmd.OutOrStdout(), v)
	}
	w := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 4, 2, ' ', 0)
	text(w)
	return w.Flush()
}

// sendJSON sends a value by a method and decodes the answer.
func (c *apiClient) sendJSON(ctx context.Context, method, path string, send, out any) error {
	raw, err := json.Marshal(send)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	return c.do(ctx, method, path, "application/json", strings.NewReader(string(raw)), out)
}

// everyPage asks for all pages of a list.
func everyPage(ctx context.Context, c *apiClient, path string, q url.Values, add func(raw json.RawMessage) (next string, err error)) error {
	q.Set("limit", "1000")
	for {
		var raw json.RawMessage
		if err := c.getJSON(ctx, path+"?"+q.Encode(), &raw); err != nil {
			return err
		}
		next, err := add(raw)
		if err != nil {
			return fmt.Errorf("read answer of %s: %w", path, err)
		}
		if next == "" {
			return nil
		}
		q.Set("cursor", next)
	}
}

// day is a time as lists show it, "" for none.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Local().Format("2006-01-02 15:04")
}

func newUsersCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "users",
		Short: "List users, make them, and say what they may do",
		Long: "Users sign in with a password or by OIDC. What they may do is their role:\n" +
			"viewer looks; responder also acknowledges, comments and silences; editor also changes what is configured; admin may do everything.\n\n" +
			"As soon as there is a user, everybody has to sign in, and what sends data needs a token (touchline tokens add).",
	}
	cmd.AddCommand(newUsersListCommand(), newUsersAddCommand(), newUsersSetRoleCommand(), newUsersBindCommand(), usersDisableCommand("disable", "Sign a user out, and let them in no more", true),
		usersDisableCommand("enable", "Let a user in again", false), newUsersPasswordCommand(), newUsersLinkCommand())
	return cmd
}

func newUsersListCommand() *cobra.Command {
	a := &accountCommand{}
	return a.register(&cobra.Command{
		Use:   "list",
		Short: "List users",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			users := []identity.User{}
			if err := everyPage(cmd.Context(), c, usersPath, url.Values{}, func(raw json.RawMessage) (string, error) {
				var page struct {
					Users      []identity.User
					NextCursor string `json:"next_cursor"`
				}
				err := json.Unmarshal(raw, &page)
				users = append(users, page.Users...)
				return page.NextCursor, err
			}); err != nil {
				return err
			}
			return a.print(cmd, users, func(w io.Writer) {
				if len(users) == 0 {
					fmt.Fprintln(w, "No users. \"touchline users link\" prints a link by which the first administrator is made.")
					return
				}
				fmt.Fprintln(w, "NAME\tROLE\tSTATE\tSIGNED IN\tSHOWN AS\tE-MAIL")
				for _, u := range users {
					state := "enabled"
					switch {
					case u.Disabled:
						state = "disabled"
					case !u.HasPassword && u.Subject == "":
						state = "invited"
					}
					fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", u.Name, u.Role, state, day(u.SignedInAt), u.DisplayName, u.Email)
				}
			})
		},
	})
}

func newUsersAddCommand() *cobra.Command {
	a := &accountCommand{}
	var u identity.User
	var role, passwordFile string
	var noLink bool
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a user, and print the link by which they choose a password",
		Args:  wantArgs(1, 1, "the user", "touchline users add anna --role=responder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			send := map[string]string{"name": args[0], "role": role, "display_name": u.DisplayName, "email": u.Email, "language": u.Language}
			if passwordFile != "" {
				if send["password"], err = readPassword(cmd, passwordFile); err != nil {
					return err
				}
			}
			var made identity.User
			if err := c.sendJSON(cmd.Context(), http.MethodPost, usersPath, send, &made); err != nil {
				return err
			}
			if passwordFile != "" || noLink {
				return a.print(cmd, made, func(w io.Writer) { fmt.Fprintf(w, "%s is %s.\n", made.Name, made.Role) })
			}
			return a.invite(cmd, c, made.Name)
		},
	}
	f := cmd.Flags()
	f.StringVar(&role, "role", string(identity.Viewer), "viewer, responder, editor or admin")
	f.StringVar(&u.DisplayName, "display-name", "", "name to be shown")
	f.StringVar(&u.Email, "email", "", "e-mail address")
	f.StringVar(&u.Language, "language", "", "en or zh; what the browser prefers where it is left out")
	f.StringVar(&passwordFile, "password-file", "", "file with the password, \"-\" for standard input, instead of a link")
	f.BoolVar(&noLink, "no-link", false, "neither a password nor a link, for users who sign in by OIDC; write --email, too")
	return a.register(cmd)
}

// changeUser sends a change of a user and prints what they are now.
func (a *accountCommand) changeUser(cmd *cobra.Command, name string, change any) error {
	c, err := a.client()
	if err != nil {
		return err
	}
	var u identity.User
	if err := c.sendJSON(cmd.Context(), http.MethodPatch, usersPath+"/"+url.PathEscape(name), change, &u); err != nil {
		return err
	}
	return a.print(cmd, u, func(w io.Writer) {
		state := ""
		if u.Disabled {
			state = " and disabled"
		}
		fmt.Fprintf(w, "%s is %s%s.\n", u.Name, u.Role, state)
	})
}

func newUsersSetRoleCommand() *cobra.Command {
	a := &accountCommand{}
	return a.register(&cobra.Command{
		Use:   "set-role NAME ROLE",
		Short: "Say what a user may do: viewer, responder, editor or admin",
		Args:  wantArgs(2, 2, "the user and the role", "touchline users set-role anna editor"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeUser(cmd, args[0], map[string]string{"role": args[1]})
		},
	})
}

func newUsersBindCommand() *cobra.Command {
	a := &accountCommand{}
	return a.register(&cobra.Command{
		Use:   "bind NAME SUBJECT",
		Short: "Say who a user is at the OIDC provider",
		Long: "Whoever the provider knows by this subject signs in as the user from now on: the issuer, a space, and the subject there.\n" +
			"The page that refuses somebody shows the whole command, and so does the log. First make sure that it is they who ask for it.\n\n" +
			"An empty subject (\"\") is nobody: the user can no longer sign in there.",
		Args: wantArgs(2, 2, "the user and the subject", "touchline users bind anna 'https://id.example.com 248289761001'"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeUser(cmd, args[0], map[string]string{"subject": args[1]})
		},
	})
}

func usersDisableCommand(name, short string, disabled bool) *cobra.Command {
	a := &accountCommand{}
	return a.register(&cobra.Command{
		Use:   name + " NAME",
		Short: short,
		Args:  wantArgs(1, 1, "the user", "touchline users "+name+" anna"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changeUser(cmd, args[0], map[string]bool{"disabled": disabled})
		},
	})
}

func newUsersPasswordCommand() *cobra.Command {
	a := &accountCommand{}
	var file string
	cmd := &cobra.Command{
		Use:   "password NAME",
		Short: "Give a user a password; they are signed out",
		Long:  "Give a user a password, which is asked for, or read from --password-file. They are signed out everywhere.\nTo have them choose one themselves: touchline users link NAME.",
		Args:  wantArgs(1, 1, "the user", "touchline users password anna"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			password, err := readPassword(cmd, file)
			if err != nil {
				return err
			}
			if err := c.sendJSON(cmd.Context(), http.MethodPut, usersPath+"/"+url.PathEscape(args[0])+"/password", map[string]string{"password": password}, nil); err != nil {
				return err
			}
			return a.print(cmd, map[string]string{"user": args[0]}, func(w io.Writer) { fmt.Fprintf(w, "The password of %s has been changed.\n", args[0]) })
		},
	}
	cmd.Flags().StringVar(&file, "password-file", "", "file with the password, \"-\" for standard input; asked for where it is left out")
	return a.register(cmd)
}

func newUsersLinkCommand() *cobra.Command {
	a := &accountCommand{}
	return a.register(&cobra.Command{
		Use:   "link [NAME]",
		Short: "Print a one-time link by which a user chooses a password; without a name, one that makes an administrator",
		Long:  "Print a link that can be used once, within a day. With a name that user chooses a new password by it; without one, whoever opens it becomes an administrator.",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			return a.invite(cmd, c, strings.Join(args, ""))
		},
	})
}

// invite prints a one-time link: it alone goes to standard output.
func (a *accountCommand) invite(cmd *cobra.Command, c *apiClient, user string) error {
	var l struct {
		URL string `json:"url"`
		identity.Link
	}
	if err := c.sendJSON(cmd.Context(), http.MethodPost, invitePath, map[string]string{"user": user}, &l); err != nil {
		return err
	}
	if a.output == "text" {
		what := "whoever opens this link becomes an administrator"
		if user != "" {
			what = user + " chooses a password by this link"
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "Until %s, once, %s:\n", day(l.ExpiresAt), what)
	}
	return a.print(cmd, l, func(w io.Writer) { fmt.Fprintln(w, l.URL) })
}

// maxPasswordFile bounds what is read as a password, in bytes.
const maxPasswordFile = 4 << 10

// readPassword reads a password from a file, from standard input where it is
// "-", or asks for it where it is "".
func readPassword(cmd *cobra.Command, file string) (string, error) {
	if file == "" {
		return askPassword(cmd, "New password: ", "Again: ")
	}
	in := cmd.InOrStdin()
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		defer func() { _ = f.Close() }()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, maxPasswordFile+1))
	if err != nil {
		return "", fmt.Errorf("read password: %w", err)
	}
	password := strings.TrimRight(string(raw), "\r\n")
	if password == "" || len(raw) > maxPasswordFile || strings.ContainsAny(password, "\r\n") {
		return "", fmt.Errorf("read password: %s does not hold a password on one line", file)
	}
	return password, nil
}

// askPassword asks for a password without showing it, once for each prompt.
func askPassword(cmd *cobra.Command, prompts ...string) (string, error) {
	in, ok := cmd.InOrStdin().(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return "", errors.New("there is no terminal to ask for the password; give it as --password-file=FILE, or --password-file=- for standard input")
	}
	var typed string
	for i, prompt := range prompts {
		fmt.Fprint(cmd.ErrOrStderr(), prompt)
		raw, err := term.ReadPassword(int(in.Fd()))
		fmt.Fprintln(cmd.ErrOrStderr())
		if err != nil {
			return "", fmt.Errorf("read password: %w", err)
		}
		if i > 0 && typed != string(raw) {
			return "", errors.New("the two passwords differ")
		}
		typed = string(raw)
	}
	return typed, nil
}
