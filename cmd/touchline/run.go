package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"touchline.dev/touchline/internal/app"
	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/selfmon"
	"touchline.dev/touchline/stack"
	"touchline.dev/touchline/ui"
)

// stopTimeout bounds how long stopping may take.
const stopTimeout = 30 * time.Second

func newRunCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the server",
		Long:  "Run the server: watch this host and itself, scrape, evaluate rules and tell people.\nNothing has to be configured; every setting can stand on the command line, in the environment or in touchline.yaml.",
		Args:  cobra.NoArgs,
	}
	flags := config.RegisterFlags(cmd.Flags())
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		c, err := config.Resolve(flags, os.Environ())
		if err != nil {
			return err
		}
		reread := func() (*config.Config, error) { return config.Resolve(flags, os.Environ()) }
		return serve(cmd.Context(), c, reread, cmd.OutOrStdout(), cmd.ErrOrStderr())
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := cmd.OutOrStdout()
		if _, err := fmt.Fprintf(out, "%s\n\nUsage:\n  touchline run [flags]\n\n", cmd.Long); err == nil {
			err = config.WriteHelp(out, width(out))
			if err != nil {
				cmd.PrintErrln(err)
			}
		}
	})
	return cmd
}

// width is the terminal's, or 100 where there is none.
func width(w io.Writer) int {
	if f, ok := w.(*os.File); ok {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil {
			return n
		}
	}
	return 100
}

// serve runs the server until a signal, a failed listener or /-/quit ends it.
func serve(ctx context.Context, c *config.Config, reread func() (*config.Config, error), out, errs io.Writer) error {
	log := newLogger(c.Log, errs)
	slog.SetDefault(log)
	for _, w := range c.Warnings {
		log.Warn("A setting has no effect", "why", w)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)

	a, err := app.New(ctx, app.Options{Config: c, Reread: reread, Logger: log, Shipped: stack.FS, Console: ui.Files()})
	if err != nil {
		return err
	}
	err = a.Start(ctx)
	if err == nil {
		_, tty := out.(*os.File)
		style := selfmon.Style{Color: tty && isTerminal(out), Width: width(out)}
		if err := a.Report().WriteText(out, style); err != nil {
			log.Warn("The start-up report could not be printed", "err", err)
		}
		if isTerminal(out) || c.Auth.PrintSetupLink {
			printSetupLink(ctx, a, out, log)
		}
		err = wait(ctx, a, hup)
	}
	log.Info("Stopping")
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if serr := a.Stop(bounded); serr != nil {
		err = errors.Join(err, serr)
	}
	if err == nil {
		log.Info("Stopped")
		return nil
	}
	return &exitError{code: exitFindings, err: err}
}

// printSetupLink prints the link that makes the first administrator, where
// there is none yet.
func printSetupLink(ctx context.Context, a *app.App, out io.Writer, log *slog.Logger) {
	link, err := a.SetupLink(ctx)
	if err == nil && link != "" {
		_, err = fmt.Fprintf(out, "First administrator: choose a name and a password at this address, once, within a day\n  %s\n", link)
	}
	if err != nil {
		log.Warn("The link for the first administrator could not be printed; touchline users link makes one", "err", err)
	}
}

func wait(ctx context.Context, a *app.App, hup <-chan os.Signal) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-a.Quit():
			return nil
		case err := <-a.Failed():
			return err
		case <-hup:
			a.ReloadBySignal(ctx)
		}
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func newLogger(l config.Log, w io.Writer) *slog.Logger {
	level := map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}[l.Level]
	o := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}
