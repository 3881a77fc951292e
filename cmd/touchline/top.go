package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func newTopCommand() *cobra.Command {
	var (
		flags clientFlags
		once  bool
	)
	cmd := &cobra.Command{
		Use:   "top",
		Short: "Show live targets, load and firing alerts in the terminal",
		Long: "Show load, targets and alerts, drawn again each second. q quits.\n" +
			"It asks only the Prometheus and Alertmanager APIs of the server, so --url may name\n" +
			"any server that speaks them. With --once it prints one frame, for scripts.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := flags.client()
			if err != nil {
				return err
			}
			if once {
				f, err := readFrame(cmd.Context(), c)
				if err != nil {
					return err
				}
				style := textStyle(cmd.OutOrStdout())
				_, err = io.WriteString(cmd.OutOrStdout(), f.draw(frameStyle{Color: style.Color, Width: style.Width}))
				return err
			}
			return runTop(cmd.Context(), c, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	flags.register(cmd)
	cmd.Flags().BoolVar(&once, "once", false, "print one frame and end")
	return cmd
}

const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // alternate screen, cursor hidden
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	homeScreen  = "\x1b[H"
	clearRest   = "\x1b[J"
	topInterval = time.Second
)

// runTop draws until a key or a signal ends it, and leaves the terminal as it
// was.
func runTop(ctx context.Context, c *apiClient, in io.Reader, out io.Writer) (err error) {
	stdin, okIn := in.(*os.File)
	stdout, okOut := out.(*os.File)
	if !okIn || !okOut || !term.IsTerminal(int(stdin.Fd())) || !term.IsTerminal(int(stdout.Fd())) {
		return errors.New("top needs a terminal for input and output; touchline top --once prints one frame anywhere")
	}
	// The first answer comes before the screen is taken, so that an error
	// stays readable.
	f, err := readFrame(ctx, c)
	if err != nil {
		return err
	}
	old, err := term.MakeRaw(int(stdin.Fd()))
	if err != nil {
		return fmt.Errorf("take terminal: %w", err)
	}
	fmt.Fprint(stdout, enterScreen)
	defer func() {
		fmt.Fprint(stdout, leaveScreen)
		if restored := term.Restore(int(stdin.Fd()), old); restored != nil && err == nil {
			err = fmt.Errorf("give back terminal: %w", restored)
		}
	}()
	// A read of a terminal cannot be interrupted: this goroutine ends with the
	// next key or with the process, which ends when this command does.
	keys := make(chan byte)
	done := make(chan struct{})
	defer close(done)
	go readKeys(stdin, keys, done)

	tick := time.NewTicker(topInterval)
	defer tick.Stop()
	var asked error
	for {
		width, height, err := term.GetSize(int(stdout.Fd()))
		if err != nil {
			width, height = 80, 24
		}
		screen := f.draw(frameStyle{Color: os.Getenv("NO_COLOR") == "", Width: width, Height: height, Raw: true, Stale: asked})
		if _, err := fmt.Fprint(stdout, homeScreen+screen+clearRest); err != nil {
			return fmt.Errorf("draw: %w", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case k, open := <-keys:
			if !open || k == 'q' || k == 'Q' || k == 3 || k == 4 || k == 27 {
				return nil
			}
		case <-tick.C:
		}
		next, err := readFrame(ctx, c)
		asked = err
		if err == nil {
			f = next
		}
	}
}

// readKeys sends each byte that is typed until the terminal or done closes.
func readKeys(in io.Reader, keys chan<- byte, done <-chan struct{}) {
	defer close(keys)
	r := bufio.NewReaderSize(in, 16)
	for {
		b, err := r.ReadByte()
		if err != nil {
			return
		}
		select {
		case keys <- b:
		case <-done:
			return
		}
	}
}
