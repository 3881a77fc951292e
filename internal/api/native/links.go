package native

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"strings"
	"time"

	"touchline.dev/touchline/internal/incident"
)

// Links is who knows signed links.
type Links interface {
	Follow(ctx context.Context, token string) (incident.Link, incident.Incident, error)
	Acknowledge(ctx context.Context, id int64, actor, via string) (incident.Incident, error)
}

//go:embed link.html
var linkFiles embed.FS

var linkPage = template.Must(template.ParseFS(linkFiles, "link.html"))

// linkData is what the page of a link shows.
type linkData struct {
	Lang, Token string
	Title       string
	Words       linkWords
	Incident    *incident.Incident
	Ask         bool   // whether to acknowledge
	Done        string // what came of it
	Problem     string
}

type linkWords struct {
	Incident, Severity, Since, Firing, Acknowledge, Name, By, Done, Already, Over, Earlier, Forged, Expired, Failed string
}

var linkTexts = map[string]linkWords{
	"en": {
		"Incident", "Severity", "Since", "State", "Acknowledge", "Your name", "Taken by", "You have taken this incident. Its escalation has stopped.", "It has been taken already.",
		"The incident is over; there is nothing to take.",
		"This message is about an earlier incident, which is over. There is a newer one: open it in Touchline.", "This link is not one that this server has made. Look whether all of it was copied.",
		"This link has expired. Open the incident in Touchline instead.", "That did not work. Try again, or open the incident in Touchline.",
	},
	"zh": {
		"事故", "级别", "开始于", "状态", "确认", "您的姓名", "处理人", "您已接手该事故，升级已停止。", "该事故已有人接手。",
		"该事故已结束，无需确认。", "此消息属于更早的事故，该事故已结束。现有新的事故，请在 Touchline 中打开。", "此链接不是由本服务器生成的，请检查是否完整复制。", "此链接已过期，请在 Touchline 中打开该事故。", "操作失败，请重试，或在 Touchline 中打开该事故。",
	},
}

// maxNameInLink bounds what somebody may call themselves, in bytes.
const maxNameInLink = 80

// Links serves what signed links in messages lead to. Opening one changes
// nothing, since mail scanners open links, too; the button on its page does.
func (a *API) Links(in Links) {
	a.o.Mux.HandleFunc("GET "+Base+"/links/{token}", func(w http.ResponseWriter, r *http.Request) { a.link(w, r, in) })
	a.o.Mux.HandleFunc("POST "+Base+"/links/{token}", func(w http.ResponseWriter, r *http.Request) { a.link(w, r, in) })
}

func (a *API) link(w http.ResponseWriter, r *http.Request, in Links) {
	d := &linkData{Lang: "en", Token: r.PathValue("token")}
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Accept-Language")), "zh") {
		d.Lang = "zh"
	}
	d.Words = linkTexts[d.Lang]
	d.Title = d.Words.Incident
	status := http.StatusOK
	if err := a.follow(r, in, d); err != nil {
		switch {
		case errors.Is(err, incident.ErrLinkForged):
			status, d.Problem = http.StatusForbidden, d.Words.Forged
		case errors.Is(err, incident.ErrLinkExpired):
			status, d.Problem = http.StatusGone, d.Words.Expired
		case errors.Is(err, incident.ErrLinkEarlier):
			status, d.Problem = http.StatusGone, d.Words.Earlier
		case errors.Is(err, incident.ErrNotFound):
			status, d.Problem = http.StatusNotFound, d.Words.Over
		case incident.Refused(err) && d.Incident.State == incident.Firing:
			status, d.Problem = http.StatusConflict, err.Error() // meanwhile, or not at this replica
		case incident.Refused(err) && d.Incident.State != incident.Acknowledged:
			status, d.Problem = http.StatusConflict, d.Words.Over
		case incident.Refused(err):
			status, d.Problem = http.StatusConflict, d.Words.Already+" "+err.Error()
		default:
			a.o.Logger.ErrorContext(r.Context(), "A link could not be followed", "err", err)
			status, d.Problem = http.StatusServiceUnavailable, d.Words.Failed
		}
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the link is a secret
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := linkPage.Execute(w, d); err != nil {
		a.o.Logger.DebugContext(r.Context(), "The page of a link was cut off", "err", err)
	}
}

func (a *API) follow(r *http.Request, in Links, d *linkData) error {
	l, i, err := in.Follow(r.Context(), d.Token)
	if err != nil {
		return err
	}
	d.Incident = &i
	d.Ask = l.Action == incident.LinkAcknowledge && i.State == incident.Firing
	if r.Method != http.MethodPost || l.Action != incident.LinkAcknowledge {
		return nil
	}
	r.Body = http.MaxBytesReader(nil, r.Body, 4096)
	name := strings.TrimSpace(r.PostFormValue("name"))
	if len(name) > maxNameInLink {
		name = name[:maxNameInLink]
	}
	actor := "link of " + l.Receiver
	if name != "" {
		actor = strings.ToValidUTF8(name, "") + " (" + actor + ")"
	}
	d.Ask = false
	done, err := in.Acknowledge(r.Context(), i.ID, actor, l.Receiver)
	if err != nil {
		return err
	}
	d.Incident, d.Done = &done, d.Words.Done
	return nil
}

// Since is when the incident began, for people.
func (d *linkData) Since() string { return d.Incident.OpenedAt.UTC().Format(time.RFC1123) }
