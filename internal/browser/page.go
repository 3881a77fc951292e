package browser

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Page is a page that is open.
type Page struct {
	b       *Browser
	session string
	width   int
	scale   float64
}

// Look is how a page is seen.
type Look struct {
	Width int     // of the viewport, in CSS pixels
	Scale float64 // device pixels of one CSS pixel
	Theme string  // light or dark
}

// pollEvery is how often a page is asked whether it is ready.
const pollEvery = 100 * time.Millisecond

// Open goes to an address of the server.
func (b *Browser) Open(ctx context.Context, address string, look Look) (*Page, error) {
	p := &Page{b: b, width: look.Width, scale: look.Scale}
	if err := p.open(ctx, address, look); err != nil {
		return nil, b.failed(fmt.Errorf("open page: %w", err))
	}
	return p, nil
}

func (p *Page) open(ctx context.Context, address string, look Look) error {
	var target struct {
		TargetID string `json:"targetId"`
	}
	if err := p.b.pipe.call(ctx, "", "Target.createTarget", map[string]any{"url": "about:blank"}, &target); err != nil {
		return err
	}
	var session struct {
		SessionID string `json:"sessionId"`
	}
	if err := p.b.pipe.call(ctx, "", "Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &session); err != nil {
		return err
	}
	p.session = session.SessionID
	if err := p.resize(ctx, 900); err != nil {
		return err
	}
	features := []map[string]string{
		{"name": "prefers-color-scheme", "value": look.Theme},
		{"name": "prefers-reduced-motion", "value": "reduce"},
	}
	if err := p.call(ctx, "Emulation.setEmulatedMedia", map[string]any{"media": "screen", "features": features}, nil); err != nil {
		return err
	}
	if err := p.call(ctx, "Fetch.enable", map[string]any{"patterns": []map[string]string{{"urlPattern": "*"}}}, nil); err != nil {
		return err
	}
	var gone struct {
		ErrorText string `json:"errorText"`
	}
	if err := p.call(ctx, "Page.navigate", map[string]any{"url": address}, &gone); err != nil {
		return err
	}
	if gone.ErrorText != "" {
		return fmt.Errorf("%s: %s", address, gone.ErrorText)
	}
	return nil
}

// resize sets how much of the page is seen at once.
func (p *Page) resize(ctx context.Context, height int) error {
	return p.call(ctx, "Emulation.setDeviceMetricsOverride", map[string]any{
		"width": p.width, "height": height, "deviceScaleFactor": p.scale, "mobile": false,
	}, nil)
}

// Resize sets the viewport's height, in CSS pixels, and the device pixels of one CSS pixel.
func (p *Page) Resize(ctx context.Context, height int, scale float64) error {
	p.scale = scale
	return p.resize(ctx, height)
}

// Until asks the page for the value of a JavaScript expression until enough says
// that it is enough, and decodes it into value each time.
func (p *Page) Until(ctx context.Context, expression string, value any, enough func() bool) error {
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if err := p.evaluate(ctx, expression, value); err != nil {
			return p.b.failed(err)
		}
		if enough() {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Page) evaluate(ctx context.Context, expression string, value any) error {
	answer := struct {
		Result struct {
			Value any `json:"value"`
		} `json:"result"`
		ExceptionDetails *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}{}
	answer.Result.Value = value
	if err := p.call(ctx, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer); err != nil {
		return err
	}
	if e := answer.ExceptionDetails; e != nil {
		return fmt.Errorf("look at page: %s %s", e.Text, e.Exception.Description)
	}
	return nil
}

// PNG is a picture of what the viewport shows.
func (p *Page) PNG(ctx context.Context) ([]byte, error) {
	var shot struct {
		Data []byte `json:"data"`
	}
	err := p.call(ctx, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	if err == nil && len(shot.Data) == 0 {
		err = errors.New("the browser sent none")
	}
	if err != nil {
		return nil, p.b.failed(fmt.Errorf("take picture: %w", err))
	}
	return shot.Data, nil
}

// Paper is the size of a sheet, in inches.
type Paper struct{ Width, Height float64 }

// cssInch is one inch, in CSS pixels.
const cssInch = 96

// MaxSheet is how high one sheet can be, in CSS pixels: readers show no more than 200 inches.
const MaxSheet = 200 * cssInch

// point is the unit in which a PDF has the size of a sheet, in inches. What is no
// whole number of them is rounded by the browser.
const point = 1.0 / 72

// Papers are the sheets by name. The zero one is as large as the page.
var Papers = map[string]Paper{
	"page":      {},
	"a3":        {842 * point, 1191 * point},
	"a4":        {595 * point, 842 * point},
	"letter":    {612 * point, 792 * point},
	"landscape": {842 * point, 595 * point}, // A4 across
}

// margin is what stays white at each side of a sheet, in inches.
const margin = 27 * point

// Length is how many CSS pixels of a page of a width one sheet has room for, 0 for any number.
func (s Paper) Length(width int) float64 {
	if s == (Paper{}) {
		return 0
	}
	return (s.Height - 2*margin) / (s.Width - 2*margin) * float64(width)
}

// PDF is the page on sheets; on the zero Paper it is one sheet of height CSS pixels.
func (p *Page) PDF(ctx context.Context, s Paper, height int) ([]byte, error) {
	edge, scale := margin, (s.Width-2*margin)*cssInch/float64(p.width)
	if s == (Paper{}) {
		edge, scale = 0, 1
		s = Paper{Width: float64(p.width) / cssInch, Height: float64(height) / cssInch}
	}
	var out struct {
		Data []byte `json:"data"`
	}
	err := p.call(ctx, "Page.printToPDF", map[string]any{
		"printBackground": true, "paperWidth": s.Width, "paperHeight": s.Height, "scale": scale,
		"marginTop": edge, "marginBottom": edge, "marginLeft": edge, "marginRight": edge,
	}, &out)
	if err == nil && len(out.Data) == 0 {
		err = errors.New("the browser sent none")
	}
	if err != nil {
		return nil, p.b.failed(fmt.Errorf("print page: %w", err))
	}
	return out.Data, nil
}

func (p *Page) call(ctx context.Context, method string, params, result any) error {
	return p.b.pipe.call(ctx, p.session, method, params, result)
}
