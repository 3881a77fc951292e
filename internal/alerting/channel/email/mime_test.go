package email

import (
	"encoding/base64"
	"net/mail"
	"strings"
	"testing"
	"time"
)

func decodeBase64(t *testing.T, raw []byte) []byte {
	t.Helper()
	out, err := base64.StdEncoding.DecodeString(strings.ReplaceAll(string(raw), "\r\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func FuzzCompose(f *testing.F) {
	f.Add("subject", "text", "<p>html</p>", true)
	f.Add("告警", ".\r\n.\r\n", "--x", false)
	f.Fuzz(func(t *testing.T, subject, text, html string, picture bool) {
		l := letter{
			from: &mail.Address{Address: "a@example.org"}, to: []*mail.Address{{Name: subject, Address: "b@example.org"}},
			subject: strings.Join(strings.Fields(subject), " "), date: time.Unix(0, 0), id: "1@example.org", text: text, html: html,
		}
		if picture {
			l.picture = []byte(text)
		}
		raw, err := compose(l)
		if err != nil {
			t.Fatal(err)
		}
		m, err := mail.ReadMessage(strings.NewReader(string(raw)))
		if err != nil {
			t.Fatal(err)
		}
		want := 8
		if l.subject == "" {
			want = 7
		}
		if len(m.Header) != want {
			t.Errorf("headers %v", m.Header)
		}
		if n := len(parts(t, m.Header.Get("Content-Type"), m.Body)); n != 3 && n != 5 {
			t.Errorf("%d parts", n)
		}
	})
}
