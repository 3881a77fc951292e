package email

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"net/textproto"
	"strings"
	"time"
)

// letter is what goes into a mail.
type letter struct {
	from       *mail.Address
	to         []*mail.Address
	subject    string // on one line
	date       time.Time
	id, thread string // thread may be ""
	text, html string
	picture    []byte // PNG, may be nil
}

// pictureID is what the HTML calls the picture.
const pictureID = "graph@touchline"

// base64Line is the longest line of a body in base64, as in RFC 2045.
const base64Line = 76

// compose writes a mail: text and HTML as alternatives, the HTML together with
// its picture (RFC 2387).
func compose(l letter) ([]byte, error) {
	var b bytes.Buffer
	to := make([]string, len(l.to))
	for n, a := range l.to {
		to[n] = a.String()
	}
	alternative := multipart.NewWriter(&b)
	for _, h := range [][2]string{
		{"From", l.from.String()},
		{"To", strings.Join(to, ",\r\n ")},
		{"Subject", mime.QEncoding.Encode("utf-8", l.subject)},
		{"Date", l.date.Format(time.RFC1123Z)},
		{"Message-ID", "<" + l.id + ">"},
		{"References", angled(l.thread)},
		{"In-Reply-To", angled(l.thread)},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: nobody on holiday need answer
		{"MIME-Version", "1.0"},
		{"Content-Type", `multipart/alternative; boundary="` + alternative.Boundary() + `"`},
	} {
		if h[1] != "" {
			fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
		}
	}
	b.WriteString("\r\n")
	if err := write(alternative, l); err != nil {
		return nil, fmt.Errorf("compose mail: %w", err)
	}
	return b.Bytes(), nil
}

func angled(id string) string {
	if id == "" {
		return ""
	}
	return "<" + id + ">"
}

func write(alternative *multipart.Writer, l letter) error {
	if err := words(alternative, "text/plain", l.text); err != nil {
		return err
	}
	// What programs like best comes last (RFC 2046).
	if l.picture == nil {
		if err := words(alternative, "text/html", l.html); err != nil {
			return err
		}
		return alternative.Close()
	}
	var inner bytes.Buffer
	related := multipart.NewWriter(&inner)
	if err := words(related, "text/html", l.html); err != nil {
		return err
	}
	w, err := related.CreatePart(textproto.MIMEHeader{
		"Content-Type": {"image/png"}, "Content-Transfer-Encoding": {"base64"}, "Content-ID": {"<" + pictureID + ">"},
		"Content-Disposition": {`inline; filename="graph.png"`},
	})
	if err != nil {
		return err
	}
	text := base64.StdEncoding.EncodeToString(l.picture)
	for len(text) > 0 {
		n := min(base64Line, len(text))
		if _, err := io.WriteString(w, text[:n]+"\r\n"); err != nil {
			return err
		}
		text = text[n:]
	}
	if err := related.Close(); err != nil {
		return err
	}
	w, err = alternative.CreatePart(textproto.MIMEHeader{"Content-Type": {`multipart/related; type="text/html"; boundary="` + related.Boundary() + `"`}})
	if err != nil {
		return err
	}
	if _, err := w.Write(inner.Bytes()); err != nil {
		return err
	}
	return alternative.Close()
}

// words adds a part of text.
func words(to *multipart.Writer, kind, text string) error {
	w, err := to.CreatePart(textproto.MIMEHeader{"Content-Type": {kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
	if err != nil {
		return err
	}
	q := quotedprintable.NewWriter(w)
	if _, err := io.WriteString(q, text); err != nil {
		return err
	}
	return q.Close()
}
