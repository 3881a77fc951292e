package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/mail"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/registry"
	"touchline.dev/touchline/internal/app/channelspec"
	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/stack"
)

// notifyAddFlags are the flags of "notify add".
type notifyAddFlags struct {
	file     string
	receiver string
	c        config.Channel
	noTest   bool

	messageGiven bool

	// Paths as they are given, which begin at the working directory.
	urlFile, secretFile, passwordFile, templateFile, caFile string
}

func newNotifyAddCommand() *cobra.Command {
	var f notifyAddFlags
	cmd := &cobra.Command{
		Use:   "add",
		Short: "Add a channel to a receiver in touchline.yaml and send a sample",
		Long: `Asks what is needed, adds the channel to touchline.yaml, shows what it wrote, and sends a sample through it. Flags answer
the questions ahead; without a terminal all of them are needed. Nothing else in the file changes: comments stay.

The webhook address of a robot has a token, so it does not go into touchline.yaml: name a file or a variable that has it, or
paste it, and it is written to a new file that only you can read. The same goes for signing secrets and passwords.

Exit code: 0 when the sample was taken, 1 when it was not (the channel is in the file), 2 when nothing was written.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.execute(cmd) },
	}
	fs, d := cmd.Flags(), config.NewChannel("")
	f.c = d
	fs.StringVar(&f.file, "config.file", config.DefaultFile, "the touchline.yaml; it is made when it does not exist")
	fs.StringVar(&f.receiver, "receiver", "", "receiver of alertmanager.yml")
	fs.StringVar(&f.c.Type, "type", "", strings.Join(registry.Types(), ", "))
	fs.StringVar(&f.urlFile, "url-file", "", "file with the robot's webhook address")
	fs.StringVar(&f.c.URLEnv, "url-env", "", "variable with the robot's webhook address")
	fs.StringVar(&f.secretFile, "secret-file", "", "file with the secret that signs messages")
	fs.StringVar(&f.c.SecretEnv, "secret-env", "", "variable with the secret that signs messages")
	fs.StringVar(&f.c.Language, "language", d.Language, "en or zh")
	fs.StringVar(&f.c.Message, "message", d.Message, "text, markdown or card")
	fs.StringSliceVar(&f.c.Mention.Mobiles, "mention-mobile", nil, "mobile number to call; may be repeated")
	fs.StringSliceVar(&f.c.Mention.Users, "mention-user", nil, "user id to call; may be repeated")
	fs.BoolVar(&f.c.Mention.All, "mention-all", false, "call everybody in the group")
	fs.StringSliceVar(&f.c.Mention.Severities, "mention-severity", nil, "call only for alerts of this severity; may be repeated")
	fs.StringVar(&f.templateFile, "template-file", "", "template instead of the default")
	fs.StringVar(&f.c.Smarthost, "smarthost", "", "of mail: host:port of the server")
	fs.StringVar(&f.c.From, "from", "", "of mail: the sender")
	fs.StringSliceVar(&f.c.To, "to", nil, "of mail: recipient; may be repeated")
	fs.StringVar(&f.c.TLS, "tls", d.TLS, "of mail: starttls, implicit or none")
	fs.StringVar(&f.caFile, "ca-file", "", "of mail: certificates that sign the server's")
	fs.StringVar(&f.c.Username, "username", "", "of mail: for authentication")
	fs.StringVar(&f.passwordFile, "password-file", "", "of mail: file with the password")
	fs.StringVar(&f.c.PasswordEnv, "password-env", "", "of mail: variable with the password")
	fs.BoolVar(&f.noTest, "no-test", false, "send no sample")
	return cmd
}

func (f *notifyAddFlags) execute(cmd *cobra.Command) error {
	old, err := os.ReadFile(f.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read configuration: %w", err)
	}
	f.messageGiven = cmd.Flags().Changed("message")
	q := newQuestions(cmd, filepath.Dir(f.file))
	if err := f.ask(q, f.receivers(old)); err != nil {
		return errors.Join(err, q.undo())
	}
	f.paths()
	text, added, err := config.AddChannel(f.file, old, f.receiver, f.c)
	if err == nil {
		err = f.once(text)
	}
	if err == nil {
		err = f.check(text)
	}
	if err == nil {
		err = replaceFile(f.file, text)
	}
	if err != nil {
		return errors.Join(err, q.undo())
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "Written to %s:\n\n%s\n", f.file, added)
	for _, made := range q.made {
		fmt.Fprintf(out, "Written to %s, which only you can read: what you pasted.\n", made)
	}
	defer fmt.Fprintf(out, "A running server takes it up at a reload (kill -HUP); then: touchline notify test --receiver=%s\n", f.receiver)
	if f.noTest {
		return nil
	}
	return f.try(cmd, text)
}

// receivers are the names of those of the alertmanager.yml that the file names,
// nil where that is not known.
func (f *notifyAddFlags) receivers(data []byte) []string {
	// What is wrong with it "touchline check" says.
	known, _, _ := namedReceivers(f.file, data, "")
	var out []string
	for _, r := range known {
		out = append(out, r.Name)
	}
	return out
}

// namedReceivers are the receivers of the alertmanager.yml that is given, or that a
// touchline.yaml names, and its path, "" where none is named.
func namedReceivers(file string, data []byte, given string) (_ []alerting.FileReceiver, path string, err error) {
	if path = given; path == "" {
		for _, named := range config.NamedFiles(file, data) {
			if named.Flag == "alertmanager.config" {
				path = named.Path
			}
		}
	}
	if path == "" {
		return nil, "", nil
	}
	f, err := alerting.LoadFile(path)
	if err != nil {
		return nil, path, err
	}
	return f.Receivers(), path, nil
}

// ask fills in what no flag has said.
func (f *notifyAddFlags) ask(q *questions, receivers []string) error {
	hint := ""
	if len(receivers) > 0 {
		hint = " (" + strings.Join(receivers, ", ") + ")"
	}
	if err := q.text(&f.receiver, "--receiver", "Receiver of alertmanager.yml"+hint); err != nil {
		return err
	}
	if len(receivers) > 0 && !slices.Contains(receivers, f.receiver) {
		return fmt.Errorf("alertmanager.yml has no receiver %q; known: %s; add it there as: - name: %s", f.receiver, strings.Join(receivers, ", "), f.receiver)
	}
	if err := q.text(&f.c.Type, "--type", "Type ("+strings.Join(registry.Types(), ", ")+")"); err != nil {
		return err
	}
	if !slices.Contains(registry.Types(), f.c.Type) {
		return fmt.Errorf("type %q is not known; write one of: %s", f.c.Type, strings.Join(registry.Types(), ", "))
	}
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, f.receiver) + "-" + f.c.Type
	if f.c.Type == "email" {
		return f.askMail(q, name)
	}
	if f.c.URLEnv == "" {
		if err := q.secret(&f.urlFile, "--url-file or --url-env", "Webhook address, or the file that has it", name+urlSuffix); err != nil {
			return err
		}
	}
	if f.c.Type == channel.Slack {
		return f.askSlack(q, name)
	}
	if f.c.Type != channel.WeCom && f.c.SecretEnv == "" {
		return q.optionalSecret(&f.secretFile, "Secret of the robot's signature setting, or the file that has it; empty for none", name+"-secret")
	}
	return nil
}

// askSlack asks for what only a card needs. People expect buttons in Slack, so
// a card is what is sent unless a flag says otherwise.
func (f *notifyAddFlags) askSlack(q *questions, name string) error {
	if !f.messageGiven {
		f.c.Message = channel.Card
	}
	if f.c.Message != channel.Card || f.c.SecretEnv != "" {
		return nil
	}
	return q.optionalSecret(&f.secretFile, "Signing secret of the app, so that its button acknowledges without a page, or the file that has it; empty for none", name+"-secret")
}

func (f *notifyAddFlags) askMail(q *questions, name string) error {
	if err := q.text(&f.c.Smarthost, "--smarthost", "Mail server (host:port)"); err != nil {
		return err
	}
	if err := q.text(&f.c.From, "--from", "Sender's address"); err != nil {
		return err
	}
	to := strings.Join(f.c.To, ",")
	if err := q.text(&to, "--to", "Recipients, separated by commas"); err != nil {
		return err
	}
	f.c.To = nil
	for a := range strings.SplitSeq(to, ",") {
		if a = strings.TrimSpace(a); a != "" {
			f.c.To = append(f.c.To, a)
		}
	}
	q.optional(&f.c.Username, "User name for the mail server; empty for none")
	if f.c.Username != "" && f.c.PasswordEnv == "" {
		return q.secret(&f.passwordFile, "--password-file or --password-env", "Password, or the file that has it", name+"-password")
	}
	return nil
}

// paths turns paths that begin at the working directory into such that begin
// at the folder of touchline.yaml.
func (f *notifyAddFlags) paths() {
	dir, err := filepath.Abs(filepath.Dir(f.file))
	for from, to := range map[string]*config.File{
		f.urlFile: &f.c.URLFile, f.secretFile: &f.c.SecretFile, f.passwordFile: &f.c.PasswordFile, f.templateFile: &f.c.TemplateFile, f.caFile: &f.c.CAFile,
	} {
		if from == "" {
			continue
		}
		*to = config.File(from)
		if filepath.IsAbs(from) || err != nil {
			continue
		}
		abs, aerr := filepath.Abs(from)
		if rel, rerr := filepath.Rel(dir, abs); aerr == nil && rerr == nil {
			*to = config.File(rel)
		}
	}
}

// once refuses a channel that would tell the same people the same thing twice.
func (f *notifyAddFlags) once(text []byte) error {
	list := config.ChannelsOf(f.file, text)[f.receiver]
	last := len(list) - 1
	for n := range list[:last] {
		if sameChannel(&list[n], &list[last]) {
			return fmt.Errorf("%s has this channel already: %s to the same address at %s; change it there, or take it out first: touchline notify remove %s --number=%d",
				f.receiver, list[n].Type, list[n].Place(), f.receiver, n+1)
		}
	}
	return nil
}

// sameChannel tells whether two channels are of one type and reach the same robot,
// or the same recipients.
func sameChannel(a, b *config.Channel) bool {
	if a.Type != b.Type {
		return false
	}
	if a.Type == channel.Email {
		return slices.Equal(recipients(a), recipients(b))
	}
	x, y := channelspec.One(a).URL, channelspec.One(b).URL
	if x == y {
		return true
	}
	// The same address may stand in two places. One that is not there yet is no other's.
	xs, xerr := x.Read()
	ys, yerr := y.Read()
	return xerr == nil && yerr == nil && xs == ys
}

func recipients(c *config.Channel) []string {
	var out []string
	for _, to := range c.To {
		if a, err := mail.ParseAddress(to); err == nil {
			to = a.Address
		}
		out = append(out, strings.ToLower(to))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// check builds the channel as the server will.
func (f *notifyAddFlags) check(text []byte) error {
	list := config.ChannelsOf(f.file, text)[f.receiver]
	_, err := registry.Build(channelspec.One(&list[len(list)-1]), registry.Options{Zone: time.Local, Now: time.Now, Logger: slog.New(slog.DiscardHandler)}, registry.Base(shippedReceiverTemplates(), nil, ownAddress))
	return err
}

var ownAddress = &url.URL{Scheme: "http", Host: "127.0.0.1:7070"}

// shippedReceiverTemplates are embedded, so they can be read.
func shippedReceiverTemplates() string {
	raw, _ := stack.FS.ReadFile("alertmanager/touchline.tmpl")
	return string(raw)
}

func (f *notifyAddFlags) try(cmd *cobra.Command, text []byte) error {
	list := config.ChannelsOf(f.file, text)[f.receiver]
	t, err := alerting.TryChannel(cmd.Context(), channelspec.One(&list[len(list)-1]), alerting.TryOptions{
		Templates: shippedReceiverTemplates(), ExternalURL: ownAddress, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return &exitError{exitFindings, err}
	}
	printTrial(cmd.OutOrStdout(), "Sample by "+f.c.Type, integrationTrial{OK: t.Error == "", Error: t.Error, Said: t.Said, Took: t.Took.Seconds()})
	if t.Error != "" {
		return &exitError{code: exitFindings}
	}
	return nil
}

// replaceFile writes a file as a whole, with the mode that it has.
func replaceFile(name string, text []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
		if real, err := filepath.EvalSymlinks(name); err == nil {
			name = real
		}
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return fmt.Errorf("write configuration: %w", err)
	}
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write configuration: %w", err), os.Remove(tmp.Name()))
	}
	return nil
}

// questions asks somebody at a terminal, or tells which flag is missing.
type questions struct {
	in    *bufio.Reader
	out   io.Writer
	fd    int // of the terminal, -1 for none
	asks  bool
	dir   string   // of touchline.yaml
	made  []string // files with what was pasted
	newly string   // the folder of them, where it was made, too
}

func newQuestions(cmd *cobra.Command, dir string) *questions {
	q := &questions{in: bufio.NewReader(cmd.InOrStdin()), out: cmd.ErrOrStderr(), fd: -1, asks: true, dir: dir}
	if f, ok := cmd.InOrStdin().(*os.File); ok {
		q.asks = term.IsTerminal(int(f.Fd()))
		if q.asks {
			q.fd = int(f.Fd())
		}
	}
	return q
}

// line reads one answer.
func (q *questions) line(ask string, hidden bool) (string, error) {
	fmt.Fprintf(q.out, "%s: ", ask)
	if hidden && q.fd >= 0 {
		raw, err := term.ReadPassword(q.fd)
		fmt.Fprintln(q.out)
		return strings.TrimSpace(string(raw)), err
	}
	s, err := q.in.ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return strings.TrimSpace(s), err
}

func (q *questions) text(to *string, flag, ask string) error {
	if *to != "" {
		return nil
	}
	if !q.asks {
		return fmt.Errorf("%s is missing, and there is no terminal to ask at", flag)
	}
	s, err := q.line(ask, false)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if s == "" {
		return fmt.Errorf("no answer; %s answers it, too", flag)
	}
	*to = s
	return nil
}

// optional leaves a text empty where there is no answer, or nobody to ask.
func (q *questions) optional(to *string, ask string) {
	if *to != "" || !q.asks {
		return
	}
	if s, err := q.line(ask, false); err == nil {
		*to = s
	}
}

// secret takes the name of a file that has a secret, or the secret itself,
// which it writes to a new file.
func (q *questions) secret(to *string, flag, ask, name string) error {
	if *to == "" && !q.asks {
		return fmt.Errorf("%s is missing, and there is no terminal to ask at", flag)
	}
	if err := q.optionalSecret(to, ask, name); err != nil {
		return err
	}
	if *to == "" {
		return fmt.Errorf("no answer; %s answers it, too", flag)
	}
	return nil
}

func (q *questions) optionalSecret(to *string, ask, name string) error {
	if *to != "" || !q.asks {
		return nil
	}
	s, err := q.line(ask, true)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if s == "" {
		return nil
	}
	if info, err := os.Stat(s); err == nil && info.Mode().IsRegular() {
		*to = s
		return nil
	}
	address := strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")
	switch {
	case strings.HasSuffix(name, urlSuffix) && !address:
		return errors.New("this is neither a file nor an address that begins with https://")
	case strings.HasPrefix(s, "/"), strings.HasPrefix(s, "./"), strings.HasPrefix(s, "../"):
		return fmt.Errorf("there is no file %s", s)
	}
	*to, err = q.keep(s, name)
	return err
}

// urlSuffix ends the names of files with addresses.
const urlSuffix = "-url"

// keep writes a secret to a new file.
func (q *questions) keep(secret, name string) (string, error) {
	dir := filepath.Join(q.dir, "secrets")
	if err := os.Mkdir(dir, 0o700); err == nil {
		q.newly = dir
	} else if !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make folder for secrets: %w", err)
	}
	for n := 1; ; n++ {
		path := filepath.Join(dir, name)
		if n > 1 {
			path = fmt.Sprintf("%s-%d", path, n)
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) && n < 1000 {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("write secret: %w", err)
		}
		q.made = append(q.made, path)
		_, err = f.WriteString(secret + "\n")
		if err = errors.Join(err, f.Close()); err != nil {
			return "", fmt.Errorf("write secret: %w", err)
		}
		return path, nil
	}
}

// undo removes the files with what was pasted: nothing is to stay where the
// channel could not be added.
func (q *questions) undo() error {
	var errs []error
	for _, path := range q.made {
		errs = append(errs, os.Remove(path))
	}
	if q.newly != "" {
		errs = append(errs, os.Remove(q.newly))
	}
	return errors.Join(errs...)
}
