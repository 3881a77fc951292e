package native

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"touchline.dev/touchline/internal/alerting/channel/slack"
	"touchline.dev/touchline/internal/httpserver"
	"touchline.dev/touchline/internal/incident"
)

// Bounds of an answer to a press, for which Slack waits three seconds: of all of
// it, and of the part that must leave time to say what came of it.
const (
	slackTime = 2500 * time.Millisecond
	takeTime  = 1500 * time.Millisecond
)

// slackWords are what is said in the channel after a press.
type slackWords struct{ taken, already, over, earlier, forged, expired, failed string }

var slackTexts = map[string]slackWords{
	"en": {
		":white_check_mark: <@%s> has taken this incident: *%s*. Its escalation has stopped.", "<@%s>, this has been taken already: %s", "<@%s>, this incident is over; there is nothing to take.",
		"<@%s>, this message is about an earlier incident, which is over. There is a newer one: open it in Touchline.",
		"<@%s>, this button is not one that this server has made.", "<@%s>, this button has expired. Open the incident in Touchline instead.", "<@%s>, that did not work. Try again, or open the incident in Touchline.",
	},
	"zh": {
		":white_check_mark: <@%s> 已接手该事故：*%s*，升级已停止。", "<@%s>，该事故已有人接手：%s", "<@%s>，该事故已结束，无需确认。",
		"<@%s>，此消息属于更早的事故，该事故已结束。现有新的事故，请在 Touchline 中打开。",
		"<@%s>，此按钮不是由本服务器生成的。", "<@%s>，此按钮已过期，请在 Touchline 中打开该事故。", "<@%s>，操作失败，请重试，或在 Touchline 中打开该事故。",
	},
}

// Slack serves what Slack sends when somebody presses a button of a message: the
// Request URL of an app's interactivity. apps are those that are configured now.
// Whoever knows none of their signing secrets is refused.
func (a *API) Slack(in Links, apps func() []slack.App, client *http.Client) {
	a.o.Mux.HandleFunc("POST "+Base+"/callbacks/slack", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), slackTime)
		defer cancel()
		if err := a.pressed(ctx, w, r, in, apps(), client); err != nil {
			httpserver.WriteError(w, httpserver.Native, err)
		}
	})
}

func (a *API) pressed(ctx context.Context, w http.ResponseWriter, r *http.Request, in Links, apps []slack.App, client *http.Client) error {
	if len(apps) == 0 {
		return httpserver.Errorf(http.StatusNotFound, "no channel of type slack has a signing secret; write secret_file for it in touchline.yaml")
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return httpserver.Errorf(http.StatusRequestEntityTooLarge, "the body could not be read, or is larger than 1 MiB")
	}
	app, err := a.sender(apps, r.Header, body)
	if err != nil {
		return err
	}
	p, err := slack.ReadPress(body)
	if err != nil {
		return httpserver.Errorf(http.StatusBadRequest, "%s", err)
	}
	if p.Token == "" {
		return nil // A button that opens a page tells of it, too.
	}
	words := a.take(ctx, in, p, app)
	if p.Answer == "" {
		return nil
	}
	// What was decided stands, whether or not it can be said.
	if err := slack.Answer(ctx, client, app, p.Answer, words); err != nil {
		a.o.Logger.WarnContext(ctx, "What came of a button could not be said", "receiver", app.Receiver, "err", err)
	}
	return nil
}

// sender is the app whose secret has signed a request.
func (a *API) sender(apps []slack.App, h http.Header, body []byte) (slack.App, error) {
	stale := false
	for _, app := range apps {
		secret, err := app.Signing.Read()
		if err != nil {
			a.o.Logger.Error("A signing secret cannot be read, so that nobody can acknowledge in Slack", "receiver", app.Receiver, "err", err)
			continue
		}
		err = slack.Verify(secret, h, body, time.Now())
		if err == nil {
			return app, nil
		}
		stale = stale || errors.Is(err, slack.ErrStale)
	}
	if stale {
		return slack.App{}, httpserver.Errorf(http.StatusUnauthorized, "%s; set the clock", slack.ErrStale)
	}
	return slack.App{}, httpserver.Errorf(http.StatusUnauthorized, "the request is signed by none of the signing secrets in touchline.yaml")
}

// take acknowledges the incident of a button, and says what came of it.
func (a *API) take(ctx context.Context, in Links, p slack.Press, app slack.App) string {
	words, ok := slackTexts[app.Language]
	if !ok {
		words = slackTexts["en"]
	}
	ctx, cancel := context.WithTimeout(ctx, takeTime)
	defer cancel()
	i, err := func() (incident.Incident, error) {
		l, i, err := in.Follow(ctx, p.Token)
		if err != nil {
			return incident.Incident{}, err
		}
		if l.Action != incident.LinkAcknowledge {
			return incident.Incident{}, incident.ErrLinkForged
		}
		return in.Acknowledge(ctx, i.ID, slackName(p), app.Receiver)
	}()
	switch {
	case err == nil:
		return fmt.Sprintf(words.taken, p.UserID, slack.Neutralise(i.Title))
	case errors.Is(err, incident.ErrLinkForged):
		return fmt.Sprintf(words.forged, p.UserID)
	case errors.Is(err, incident.ErrLinkExpired):
		return fmt.Sprintf(words.expired, p.UserID)
	case errors.Is(err, incident.ErrLinkEarlier):
		return fmt.Sprintf(words.earlier, p.UserID)
	case errors.Is(err, incident.ErrNotFound):
		return fmt.Sprintf(words.over, p.UserID)
	case incident.Refused(err):
		return fmt.Sprintf(words.already, p.UserID, slack.Neutralise(err.Error()))
	}
	a.o.Logger.ErrorContext(ctx, "A button in Slack could not be followed", "receiver", app.Receiver, "err", err)
	return fmt.Sprintf(words.failed, p.UserID)
}

// slackName is how a timeline names somebody in Slack.
func slackName(p slack.Press) string {
	name := strings.ToValidUTF8(p.User, "")
	if len(name) > maxNameInLink {
		name = strings.ToValidUTF8(name[:maxNameInLink], "")
	}
	if name == "" {
		return "Slack " + p.UserID
	}
	return name + " (Slack " + p.UserID + ")"
}
