package email

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"image/png"
	"io"
	"log/slog"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/common/model"
	"go.uber.org/goleak"

	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/channeltest"
	"touchline.dev/touchline/internal/alerting/channel/chart"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const password = "pw-4f3e2d1c0b"

// office is a mail server with one user.
type office struct {
	mechanisms []string
	refuse     *smtp.SMTPError // to the next message
	got        chan []byte
	rcpt       chan string
	authed     atomic.Int32

	mu     sync.Mutex
	answer map[string][]*smtp.SMTPError // to the next attempts to name a recipient; a last one stays
}

// say answers a recipient.
func (o *office) say(to string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	next := o.answer[to]
	if len(next) == 0 {
		return nil
	}
	if len(next) > 1 {
		o.answer[to] = next[1:]
	}
	if next[0] == nil {
		return nil
	}
	return next[0]
}

func (o *office) NewSession(c *smtp.Conn) (smtp.Session, error) { return &session{o: o, c: c}, nil }

type session struct {
	o  *office
	c  *smtp.Conn
	ok bool
}

func (s *session) AuthMechanisms() []string { return s.o.mechanisms }

func (s *session) check(user, pass string) error {
	if _, secure := s.c.TLSConnectionState(); !secure || user != "touchline" || pass != password {
		return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "authentication failed"}
	}
	s.ok = true
	s.o.authed.Add(1)
	return nil
}

func (s *session) Auth(mech string) (sasl.Server, error) {
	if mech == sasl.Login {
		return &loginServer{check: s.check}, nil
	}
	return sasl.NewPlainServer(func(_, user, pass string) error { return s.check(user, pass) }), nil
}

// loginServer is the other side of AUTH LOGIN.
type loginServer struct {
	user  string
	step  int
	check func(user, pass string) error
}

func (l *loginServer) Next(response []byte) ([]byte, bool, error) {
	l.step++
	switch l.step {
	case 1:
		if response != nil {
			l.step, l.user = 2, string(response)
			return []byte("Password:"), false, nil
		}
		return []byte("Username:"), false, nil
	case 2:
		l.user = string(response)
		return []byte("Password:"), false, nil
	}
	return nil, true, l.check(l.user, string(response))
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

func (s *session) Mail(string, *smtp.MailOptions) error {
	if len(s.o.mechanisms) > 0 && !s.ok {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "authentication required"}
	}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if strings.HasPrefix(to, "nobody@") {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no such user"}
	}
	if err := s.o.say(to); err != nil {
		return err
	}
	s.o.rcpt <- to
	return nil
}

func (s *session) Data(r io.Reader) error {
	b, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	if e := s.o.refuse; e != nil {
		s.o.refuse = nil
		return e
	}
	s.o.got <- b
	return nil
}

// certificate signs itself for 127.0.0.1.
func certificate(t *testing.T) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, file
}

// serve starts a mail server.
func serve(t *testing.T, mode string, mechanisms ...string) (o *office, address, ca string) {
	t.Helper()
	cert, ca := certificate(t)
	o = &office{mechanisms: mechanisms, got: make(chan []byte, 10), rcpt: make(chan string, 10)}
	s := smtp.NewServer(o)
	s.Domain, s.ReadTimeout, s.WriteTimeout = "mail.example.org", 10*time.Second, 10*time.Second
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address = l.Addr().String()
	switch mode {
	case StartTLS:
		s.TLSConfig = config
	case Implicit:
		l = tls.NewListener(l, config)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return o, address, ca
}

func options(t *testing.T, address, ca string) Options {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte(password+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	r, err := channel.NewRenderer(channel.RendererOptions{Type: channel.Email, Language: channel.Chinese, Base: channeltest.Base, Zone: time.UTC, Now: time.Now, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return Options{
		Smarthost: address, From: "Touchline <touchline@example.org>", To: []string{"on-call@example.org", "李雷 <li@example.org>"}, TLS: StartTLS, CAFile: ca,
		Username: "touchline", Password: channel.Secret{File: file}, Render: r, Zone: time.UTC, Now: time.Now, Logger: log,
	}
}

func group(ctx context.Context) context.Context {
	ctx = notify.WithGroupKey(notify.WithReceiverName(ctx, "team"), "{}:{}")
	return notify.WithNotificationReason(notify.WithGroupLabels(ctx, model.LabelSet{"alertname": "Down"}), notify.ReasonFirstNotification)
}

// graph gives two series, of which one is the alert's.
func graph(asked *[]string) GraphFunc {
	return func(_ context.Context, expr string, from, to time.Time, step time.Duration) ([]Measured, error) {
		*asked = append(*asked, expr)
		var ps []chart.Point
		for at := from; at.Before(to); at = at.Add(step) {
			ps = append(ps, chart.Point{At: at, Value: 1})
		}
		return []Measured{{Labels: map[string]string{"host": "a"}, Name: "a", Points: ps}, {Labels: map[string]string{"host": "b"}, Name: "b", Points: ps}}, nil
	}
}

// part is a leaf of a mail's body.
type part struct {
	kind, id string
	body     []byte
}

func parts(t *testing.T, contentType string, body io.Reader) []part {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(kind, "multipart/") {
		raw, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		return []part{{kind: kind, body: raw}}
	}
	out := []part{{kind: kind}}
	r := multipart.NewReader(body, params["boundary"])
	for {
		p, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		ps := parts(t, p.Header.Get("Content-Type"), p)
		ps[0].id = p.Header.Get("Content-ID")
		out = append(out, ps...)
	}
}

func TestMailWithPicture(t *testing.T) {
	for _, c := range []struct{ mode, mechanism string }{{StartTLS, sasl.Plain}, {StartTLS, sasl.Login}, {Implicit, sasl.Plain}} {
		t.Run(c.mode+" "+c.mechanism, func(t *testing.T) {
			office, address, ca := serve(t, c.mode, c.mechanism)
			o := options(t, address, ca)
			o.TLS = c.mode
			var asked []string
			o.Graph = graph(&asked)
			n, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			var reply string
			if _, err := n.Notify(channel.WithReply(group(t.Context()), &reply), channeltest.Alert("机房 Down", "host", "b")); err != nil {
				t.Fatal(err)
			}
			if office.authed.Load() != 1 || !strings.HasPrefix(reply, "250 ") {
				t.Errorf("authenticated %d times, reply %q", office.authed.Load(), reply)
			}
			if a, b := <-office.rcpt, <-office.rcpt; a != "on-call@example.org" || b != "li@example.org" {
				t.Errorf("recipients %s, %s", a, b)
			}
			raw := <-office.got
			m, err := mail.ReadMessage(bytes.NewReader(raw))
			if err != nil {
				t.Fatalf("%v in\n%s", err, raw)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || subject != "【告警 1】Down" {
				t.Errorf("subject %q, %v", subject, err)
			}
			if to, err := m.Header.AddressList("To"); err != nil || len(to) != 2 || to[1].Name != "李雷" {
				t.Errorf("to %v, %v", to, err)
			}
			if m.Header.Get("References") == "" || m.Header.Get("Auto-Submitted") != "auto-generated" || m.Header.Get("Message-Id") == "" {
				t.Errorf("headers %v", m.Header)
			}
			ps := parts(t, m.Header.Get("Content-Type"), m.Body)
			var kinds []string
			for _, p := range ps {
				kinds = append(kinds, p.kind)
			}
			if got := strings.Join(kinds, " "); got != "multipart/alternative text/plain multipart/related text/html image/png" {
				t.Fatalf("parts %s", got)
			}
			if !bytes.Contains(ps[1].body, []byte("级别")) && !bytes.Contains(ps[1].body, []byte("开始于")) {
				t.Errorf("text\n%s", ps[1].body)
			}
			if !bytes.Contains(ps[3].body, []byte(`src="cid:graph@touchline"`)) || ps[4].id != "<graph@touchline>" {
				t.Errorf("the HTML does not show the picture %s", ps[4].id)
			}
			if _, err := png.Decode(bytes.NewReader(decodeBase64(t, ps[4].body))); err != nil {
				t.Error(err)
			}
			if len(asked) != 1 || asked[0] != "up" {
				t.Errorf("asked for %q, want the expression without its comparison", asked)
			}
			for line := range strings.SplitSeq(string(raw), "\r\n") {
				if len(line) > 998 {
					t.Errorf("a line of %d bytes", len(line))
				}
			}
		})
	}
}

// TestMailWithoutPicture has a graph that fails: the mail goes all the same.
func TestMailWithoutPicture(t *testing.T) {
	office, address, ca := serve(t, StartTLS, sasl.Plain)
	o := options(t, address, ca)
	o.Graph = func(context.Context, string, time.Time, time.Time, time.Duration) ([]Measured, error) {
		return nil, errors.New("query timed out")
	}
	n, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Notify(group(t.Context()), channeltest.Alert("Down")); err != nil {
		t.Fatal(err)
	}
	if raw := string(<-office.got); strings.Contains(raw, "cid:") || strings.Contains(raw, "image/png") || !strings.Contains(raw, "text/html") {
		t.Errorf("mail\n%s", raw)
	}
}

func TestFailures(t *testing.T) {
	for _, c := range []struct {
		name, mode string
		change     func(*testing.T, *Options, *office)
		retry      bool
		want       string
	}{
		{"no TLS offered", None, nil, true, "doesn't support STARTTLS"},
		{"certificate of nobody", StartTLS, func(_ *testing.T, o *Options, _ *office) { o.CAFile = "" }, true, "certificate"},
		{"TLS too early", StartTLS, func(_ *testing.T, o *Options, _ *office) { o.TLS = Implicit }, true, "write tls: starttls"},
		{"wrong password", StartTLS, func(t *testing.T, o *Options, _ *office) {
			t.Setenv("MAIL_PASSWORD", "pw-wrong-wrong")
			o.Password = channel.Secret{Env: "MAIL_PASSWORD"}
		}, false, "authenticate as touchline"},
		{"no password", StartTLS, func(_ *testing.T, o *Options, _ *office) { o.Password.File += ".gone" }, true, "no such file"},
		{"unknown mechanism", StartTLS, func(_ *testing.T, _ *Options, s *office) { s.mechanisms = []string{"CRAM-MD5"} }, false, "neither AUTH PLAIN nor AUTH LOGIN"},
		{"nobody there", StartTLS, func(_ *testing.T, o *Options, _ *office) { o.To = []string{"nobody@example.org", "nobody@example.com"} }, false, "no such user"},
		{"full", StartTLS, func(_ *testing.T, _ *Options, s *office) {
			s.refuse = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
		}, true, "mailbox full"},
		{"refused", StartTLS, func(_ *testing.T, _ *Options, s *office) {
			s.refuse = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "spam"}
		}, false, "spam"},
	} {
		t.Run(c.name, func(t *testing.T) {
			office, address, ca := serve(t, c.mode, sasl.Plain)
			o := options(t, address, ca)
			if c.change != nil {
				c.change(t, &o, office)
			}
			n, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			retry, err := n.Notify(group(t.Context()), channeltest.Alert("Down"))
			if err == nil || retry != c.retry || !strings.Contains(err.Error(), c.want) {
				t.Errorf("retry %v, error %v; want retry %v and %q", retry, err, c.retry, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "pw-") {
				t.Errorf("the password is shown: %v", err)
			}
		})
	}
}

// TestHanging has a server that says nothing.
func TestHanging(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	n, err := New(options(t, l.Addr().String(), ""))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if retry, err := n.Notify(group(ctx), channeltest.Alert("Down")); !retry || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("retry %v, error %v", retry, err)
	}
}

func TestBadOptions(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"is no host:port":       func(o *Options) { o.Smarthost = "mail.example.org" },
		"from:":                 func(o *Options) { o.From = "touchline" },
		"to: \"x\"":             func(o *Options) { o.To = []string{"x"} },
		"nobody is named":       func(o *Options) { o.To = nil },
		"no username":           func(o *Options) { o.Username = "" },
		"no password":           func(o *Options) { o.Password = channel.Secret{} },
		"readable for everyb":   func(o *Options) { o.TLS = None; o.Smarthost = "mail.example.org:25" },
		"from: \"a@b\\r\\nBcc:": func(o *Options) { o.From = "a@b\r\nBcc: c@d" },
	} {
		o := options(t, "127.0.0.1:25", "")
		change(&o)
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

func TestSplit(t *testing.T) {
	v := func(f float64) *float64 { return &f }
	for _, c := range []struct {
		in, out string
		want    *float64
	}{
		{"up == 0", "up", v(0)}, {"(avg(cpu) > 0.9)", "avg(cpu)", v(0.9)}, {"-5 < temperature", "temperature", v(-5)}, {"a > (1)", "a", v(1)},
		{"a > b", "a > b", nil}, {"a > bool 1", "a > bool 1", nil}, {"a > 1 and b", "a > 1 and b", nil}, {"not promql", "not promql", nil}, {"up", "up", nil},
	} {
		out, got := split(c.in)
		if out != c.out || (got == nil) != (c.want == nil) || got != nil && *got != *c.want {
			t.Errorf("split(%s) is %s, %v", c.in, out, got)
		}
	}
}
