package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"touchline.dev/touchline/internal/alerting"
	"touchline.dev/touchline/internal/config"
)

// notifyRemoveFlags are the flags of "notify remove".
type notifyRemoveFlags struct {
	file         string
	alertmanager string
	number       int
	yes          bool
}

func newNotifyRemoveCommand() *cobra.Command {
	var f notifyRemoveFlags
	cmd := &cobra.Command{
		Use:   "remove RECEIVER",
		Short: "Take a channel of a receiver out of touchline.yaml",
		Long: `Shows the lines of the channel and what becomes of the receiver, asks, and takes them out of touchline.yaml. Nothing else in
the file changes: comments stay. It is refused where the receiver would tell nobody any more and people, schedules or
escalations still name it. Files with secrets stay, and are named.

Exit code: 0 when the channel is out, 2 when nothing was written.`,
		Args: wantArgs(1, 1, "the receiver", "touchline notify remove ops-team"),
		RunE: func(cmd *cobra.Command, args []string) error { return f.execute(cmd, args[0]) },
	}
	fs := cmd.Flags()
	fs.StringVar(&f.file, "config.file", config.DefaultFile, "the touchline.yaml")
	fs.StringVar(&f.alertmanager, "alertmanager.config", "", "the alertmanager.yml, if touchline.yaml does not name it")
	fs.IntVar(&f.number, "number", 0, "which of the receiver's channels, from 1; needed where there are several")
	fs.BoolVar(&f.yes, "yes", false, "do not ask")
	return cmd
}

func (f *notifyRemoveFlags) execute(cmd *cobra.Command, receiver string) error {
	old, err := os.ReadFile(f.file)
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	list := config.ChannelsOf(f.file, old)[receiver]
	n, err := f.which(receiver, list)
	if err != nil {
		return err
	}
	text, removed, err := config.RemoveChannel(f.file, old, receiver, n)
	if err != nil {
		return err
	}
	after, err := f.left(old, receiver, len(list)-1)
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "From %s goes:\n\n%s\n%s\n", f.file, strings.TrimRight(removed, "\r\n")+"\n", after)
	if !f.yes {
		q := newQuestions(cmd, filepath.Dir(f.file))
		answer := ""
		if err := q.text(&answer, "--yes", "Take it out? yes or no"); err != nil {
			return err
		}
		if answer != "yes" && answer != "y" {
			return &exitError{code: exitUsage, err: errors.New("nothing was changed")}
		}
	}
	if err := replaceFile(f.file, text); err != nil {
		return err
	}
	fmt.Fprintf(out, "It is out of %s. A running server takes that up at a reload (kill -HUP).\n", f.file)
	nameSecrets(out, &list[n])
	return nil
}

// which finds the channel that is meant, counted from 0.
func (f *notifyRemoveFlags) which(receiver string, list []config.Channel) (int, error) {
	switch {
	case len(list) == 0:
		return 0, fmt.Errorf("%s has no channel in %s", receiver, f.file)
	case f.number >= 1 && f.number <= len(list):
		return f.number - 1, nil
	case f.number == 0 && len(list) == 1:
		return 0, nil
	}
	var b strings.Builder
	for n := range list {
		fmt.Fprintf(&b, "\n  --number=%d  %s at %s", n+1, list[n].Type, list[n].Place())
	}
	return 0, fmt.Errorf("say which of the channels of %s:%s", receiver, b.String())
}

// left says what the receiver tells by from then on, or why it must stay.
func (f *notifyRemoveFlags) left(data []byte, receiver string, channels int) (string, error) {
	if channels > 0 {
		return fmt.Sprintf("%s keeps its other channels: %d.", receiver, channels), nil
	}
	receivers, path, err := namedReceivers(f.file, data, f.alertmanager)
	if err != nil {
		return "", fmt.Errorf("whether %s has other integrations cannot be read: %w", receiver, err)
	}
	if path != "" && slices.Contains(receivers, alerting.FileReceiver{Name: receiver, Integrated: true}) {
		return fmt.Sprintf("%s keeps its integrations of %s.", receiver, path), nil
	}
	if uses := config.DynamicOf(f.file, data).Uses(receiver); len(uses) > 0 {
		var b strings.Builder
		for _, u := range uses {
			fmt.Fprintf(&b, "\n  %s: %s", u.Where, u.Field)
		}
		elsewhere := ""
		if path == "" {
			elsewhere = fmt.Sprintf("; %s names no alertmanager.yml, so if one gives %s an integration, name it with --alertmanager.config", f.file, receiver)
		}
		return "", fmt.Errorf("%s would tell nobody any more, and is counted on here; name another receiver there, or add another channel first%s:%s", receiver, elsewhere, b.String())
	}
	if path == "" {
		return fmt.Sprintf("%s has no other channel. Where alertmanager.yml, which %s does not name, gives it no integration either, alerts for it tell nobody.", receiver, f.file), nil
	}
	return fmt.Sprintf("%s has no other channel and no integration in %s: alerts for it tell nobody from then on.", receiver, path), nil
}

// nameSecrets names the files of a channel, which may be of use elsewhere.
func nameSecrets(out io.Writer, c *config.Channel) {
	for _, file := range []config.File{c.URLFile, c.SecretFile, c.PasswordFile} {
		if file != "" {
			fmt.Fprintf(out, "%s stays; delete it if nothing else needs it.\n", file)
		}
	}
}
