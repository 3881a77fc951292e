package channel

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

//go:embed templates/*.tmpl
var defaults embed.FS

// RendererOptions say how messages of one channel are written. All fields
// without a remark are required.
type RendererOptions struct {
	Type     string
	Kind     string // "" for mail, which is always both text and HTML
	Language string
	// Base makes a template that nobody else has: upstream's definitions, those
	// that ship and the user's.
	Base func() (*template.Template, error)
	// Custom is the text of a template file that defines "body" and, if it likes,
	// "title"; "" for the default templates. File is what errors call it.
	Custom, File string
	Links        LinksFunc      // optional
	Zone         *time.Location // of the times in messages
	Now          func() time.Time
	Logger       *slog.Logger
	// Neutralise changes what alerts say so that it cannot act as an instruction
	// to the service, such as a call to everybody or a link; nil for nothing.
	Neutralise func(string) string
}

// Renderer writes messages.
type Renderer struct {
	o     RendererOptions
	tmpl  *template.Template
	words *words
	title string
	body  string
	plain string // of a mail: its text
}

// Rendered is a message in words. The message itself is as alerts said it, title
// and body are neutralised.
type Rendered struct {
	*Message
	Title      string // on one line
	PlainTitle string // for where the service reads no markup
	Body       string
	words      *words
}

// NewRenderer parses the templates of one channel and fills them in once, so
// that a mistake is found before there is anything to tell.
func NewRenderer(o RendererOptions) (*Renderer, error) {
	w, ok := languages[o.Language]
	if !ok {
		return nil, fmt.Errorf("language %q is not known; write en or zh", o.Language)
	}
	tmpl, err := o.Base()
	if err != nil {
		return nil, err
	}
	r := &Renderer{o: o, tmpl: tmpl, words: w, title: call("touchline.title", o.Language)}
	if err := parseDefaults(tmpl); err != nil {
		return nil, err
	}
	switch {
	case o.Type == Email:
		r.body, r.plain = call("touchline.email.html", o.Language), call("touchline.text", o.Language)
	case o.Kind == Text:
		r.body = call("touchline.text", o.Language)
	default:
		r.body = call("touchline."+o.Type+"."+o.Kind, o.Language)
	}
	if o.Custom != "" {
		if err := tmpl.Parse(strings.NewReader(o.Custom)); err != nil {
			return nil, fmt.Errorf("parse template file %s: %w", o.File, err)
		}
		r.body = `{{ template "body" . }}`
		if strings.Contains(o.Custom, `"title"`) {
			r.title = `{{ template "title" . }}`
		}
	}
	return r, r.try()
}

var holes = regexp.MustCompile(`\n{3,}`)

func call(name, language string) string { return `{{ template "` + name + "." + language + `" . }}` }

func parseDefaults(tmpl *template.Template) error {
	files, err := fs.Glob(defaults, "templates/*.tmpl")
	if err != nil {
		return fmt.Errorf("list default templates: %w", err)
	}
	for _, name := range files {
		f, err := defaults.Open(name)
		if err != nil {
			return fmt.Errorf("open default template: %w", err)
		}
		err = tmpl.Parse(f)
		_ = f.Close() // It is in memory.
		if err != nil {
			return fmt.Errorf("parse default template %s: %w", name, err)
		}
	}
	return nil
}

// try fills the templates in for a sample of alerts.
func (r *Renderer) try() error {
	ctx := notify.WithGroupKey(notify.WithReceiverName(context.Background(), "sample"), SampleKey)
	ctx = notify.WithNotificationReason(notify.WithGroupLabels(ctx, model.LabelSet{"alertname": "Sample"}), notify.ReasonFirstNotification)
	m, err := r.Render(ctx, Sample(r.o.Now(), r.o.Language))
	if err == nil && r.o.Type == Email {
		_, m.Body, err = r.Mail(m)
	}
	if err == nil && strings.TrimSpace(m.Body) == "" {
		err = fmt.Errorf("the message is empty")
	}
	if err == nil {
		return nil
	}
	if r.o.Custom == "" {
		return err
	}
	return fmt.Errorf("fill in template file %s: %w; it must define \"body\", and may define \"title\"", r.o.File, err)
}

// Render writes the message that tells of alerts.
func (r *Renderer) Render(ctx context.Context, as []*alert.Alert) (*Rendered, error) {
	m := r.message(ctx, as)
	out, marked := &Rendered{Message: m, words: r.words}, m.neutralised(r.o.Neutralise)
	var err error
	if out.PlainTitle, err = r.titleOf(m); err != nil {
		return nil, err
	}
	if out.Title, err = r.titleOf(marked); err != nil {
		return nil, err
	}
	if r.o.Type == Email {
		return out, nil // Its bodies are written when it is known whether there is a picture.
	}
	if out.Body, err = r.tmpl.ExecuteTextString(r.body, marked); err != nil {
		return nil, fmt.Errorf("write message: %w", err)
	}
	// What a template leaves out must not leave a hole.
	out.Body = holes.ReplaceAllString(strings.TrimSpace(out.Body), "\n\n")
	return out, nil
}

func (r *Renderer) titleOf(m *Message) (string, error) {
	title, err := r.tmpl.ExecuteTextString(r.title, m)
	if err != nil {
		return "", fmt.Errorf("write title: %w", err)
	}
	// A title with a line break would end a header of a mail.
	return strings.Join(strings.Fields(title), " "), nil
}

// Mail writes the two bodies of a mail.
func (r *Renderer) Mail(m *Rendered) (text, html string, err error) {
	if text, err = r.tmpl.ExecuteTextString(r.plain, m.Message); err != nil {
		return "", "", fmt.Errorf("write text of mail: %w", err)
	}
	if html, err = r.tmpl.ExecuteHTMLString(r.body, m.Message); err != nil {
		return "", "", fmt.Errorf("write mail: %w", err)
	}
	return text, html, nil
}

// labelsOf are an alert's labels as they are, for matchers.
func labelsOf(a *alert.Alert) map[string]string {
	out := make(map[string]string, len(a.Labels))
	for k, v := range a.Labels {
		out[string(k)] = string(v)
	}
	return out
}

// Sample is a firing alert that says of itself that it is a test.
func Sample(now time.Time, language string) []*alert.Alert {
	summary, description := "This is a test from Touchline; nothing is wrong.", "If you can read this, alerts reach you here."
	if language == Chinese {
		summary, description = "这是 Touchline 的测试消息，没有任何故障。", "能看到这条消息，说明告警可以送达这里。"
	}
	return []*alert.Alert{{
		Alert: model.Alert{
			Labels:      model.LabelSet{"alertname": "TouchlineTest", "severity": "info"},
			Annotations: model.LabelSet{"summary": model.LabelValue(summary), "description": model.LabelValue(description)},
			StartsAt:    now, EndsAt: now.Add(5 * time.Minute),
		},
		UpdatedAt: now,
	}}
}
