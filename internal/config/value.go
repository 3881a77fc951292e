package config

import (
	"errors"
	"fmt"
	"math"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"touchline.dev/touchline/internal/spelling"
)

// badValue is what is wrong with a value, and what to write instead.
type badValue struct{ message, hint string }

func (b *badValue) Error() string { return b.message + "; " + b.hint }

func bad(hint, format string, args ...any) error {
	return &badValue{message: fmt.Sprintf(format, args...), hint: hint}
}

// maxDuration is what a time.Duration holds, some 292 years.
const maxDuration = time.Duration(math.MaxInt64)

// ParseDuration reads Prometheus's durations, such as 15d, 1h30m or 500ms.
// Units: ms, s, m, h, d (24h), w (7d), y (365d), from large to small.
func ParseDuration(s string) (time.Duration, error) {
	d, err := model.ParseDuration(s)
	if err != nil {
		hint := "write a number and a unit, such as 30s, 5m, 1h30m or 15d"
		if strings.HasPrefix(s, "-") {
			return 0, bad(hint, "a negative duration makes no sense here")
		}
		if _, err := strconv.Atoi(s); err == nil {
			return 0, bad(fmt.Sprintf("write %ss or %sm", s, s), "%q has no unit", s)
		}
		return 0, bad(hint, "%q is not a duration", s)
	}
	return time.Duration(d), nil
}

var sizeUnits = []struct {
	suffix string
	factor int64
}{
	{"EiB", 1 << 60}, {"PiB", 1 << 50}, {"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"EB", 1 << 60}, {"PB", 1 << 50}, {"TB", 1 << 40}, {"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1},
}

// ParseSize reads sizes such as 512MB or 1GiB. As for Prometheus, units are
// powers of two: 1KB and 1KiB are both 1024 bytes.
func ParseSize(s string) (int64, error) {
	const hint = "write a number and a unit, such as 512MB or 1GiB"
	for _, u := range sizeUnits {
		if len(s) <= len(u.suffix) || !strings.EqualFold(s[len(s)-len(u.suffix):], u.suffix) {
			continue
		}
		num := strings.TrimSpace(s[:len(s)-len(u.suffix)])
		if n, err := strconv.ParseUint(num, 10, 63); err == nil {
			if n > uint64(math.MaxInt64/u.factor) {
				return 0, bad("write a smaller size", "%q is more than 8EiB", s)
			}
			return int64(n) * u.factor, nil
		}
		f, err := strconv.ParseFloat(num, 64)
		if err != nil || math.IsNaN(f) || strings.ContainsAny(num, "eExXpPnNiI_") {
			break
		}
		if f < 0 {
			return 0, bad(hint, "a negative size makes no sense")
		}
		if f *= float64(u.factor); f >= math.MaxInt64 {
			return 0, bad("write a smaller size", "%q is more than 8EiB", s)
		}
		return int64(f), nil
	}
	if _, err := strconv.ParseUint(s, 10, 63); err == nil {
		return 0, bad(fmt.Sprintf("write %sB or %sMB", s, s), "%q has no unit", s)
	}
	return 0, bad(hint, "%q is not a size", s)
}

func parseInt(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 0, bad("write a smaller number", "%q is too large", s)
	}
	if err != nil {
		return 0, bad("write a whole number, such as 512", "%q is not a whole number", s)
	}
	return n, nil
}

func checkAddress(s string) error {
	const hint = "write host:port, such as 127.0.0.1:7070 or [::1]:7070; :7070 means every interface"
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		if _, err := strconv.ParseUint(s, 10, 16); err == nil {
			return bad("write 127.0.0.1:"+s+", or :"+s+" for every interface", "%q has no host", s)
		}
		return bad(hint, "%q is not an address", s)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return bad("write a port from 0 to 65535", "port %q of %q is not a number up to 65535", port, s)
	}
	if strings.ContainsAny(host, " \t\r\n/@") {
		return bad(hint, "host %q of %q is not a name or an IP address", host, s)
	}
	return nil
}

func checkURL(s string) error {
	const hint = "write it with scheme and host, such as https://monitoring.example.com/"
	u, err := url.Parse(s)
	if err != nil {
		// The error of url.Parse repeats the URL, and with it a password.
		return bad(hint, "not a URL")
	}
	switch {
	case u.User != nil:
		return bad("leave user and password out", "a URL with a password would be shown in links")
	case u.Scheme != "http" && u.Scheme != "https":
		return bad(hint, "the scheme is %q, not http or https", u.Scheme)
	case u.Hostname() == "":
		return bad(hint, "no host in %q", s)
	case u.RawQuery != "" || u.Fragment != "":
		return bad("leave ?… and #… out", "a base URL has no query and no fragment")
	}
	return nil
}

// checkSecretURL checks a URL that may hold a secret; its errors repeat nothing
// of it. A base URL is one that paths are added to.
func checkSecretURL(s string, base bool) error {
	const hint = "write it with scheme and host, such as https://monitoring.example.com/"
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return bad(hint, "not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return bad(hint, "the scheme is neither http nor https")
	case u.Hostname() == "":
		return bad(hint, "no host in it")
	case u.Fragment != "":
		return bad("leave #… out", "a fragment is never sent")
	case base && u.RawQuery != "":
		return bad("leave ?… out", "a base URL has no query")
	}
	return nil
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// set parses text as the setting's kind and stores it in c.
func (s *Setting) set(c *Config, values []string) error {
	v := ""
	if len(values) > 0 {
		v = values[len(values)-1]
	}
	switch dst := s.bind(c).(type) {
	case *bool:
		switch v {
		case "true":
			*dst = true
		case "false":
			*dst = false
		default:
			return bad("write true or false", "%q is neither true nor false", v)
		}
	case *time.Duration:
		d, err := s.duration(v)
		if err != nil {
			return err
		}
		*dst = d
	case *int64:
		n, err := s.number(v)
		if err != nil {
			return err
		}
		*dst = n
	case *int:
		n, err := s.number(v)
		if err != nil {
			return err
		}
		if int64(int(n)) != n {
			return bad("write a smaller number", "%q is too large", v)
		}
		*dst = int(n)
	case *string:
		if err := s.checkText(v); err != nil {
			return err
		}
		*dst = v
	case *[]string:
		list, err := s.list(values)
		if err != nil {
			return err
		}
		*dst = list
	case *map[RuleGroup]string:
		groups, err := s.groups(values)
		if err != nil {
			return err
		}
		*dst = groups
	default:
		return fmt.Errorf("setting %s is bound to %T, which no kind is stored in", s.Flag, dst)
	}
	return nil
}

// groups reads values of the form FILE:GROUP=VALUE.
func (s *Setting) groups(values []string) (map[RuleGroup]string, error) {
	const hint = "write FILE:GROUP=VALUE, such as rules/host.yml:host=disabled"
	out := map[RuleGroup]string{}
	for _, v := range values {
		name, value, ok := cutLast(v, "=")
		if !ok {
			return nil, bad(hint, "%q has no =", v)
		}
		file, group, ok := cutLast(name, ":")
		if !ok || file == "" || group == "" {
			return nil, bad(hint, "%q names no file and group", v)
		}
		if !slices.Contains(s.Enum, value) {
			return nil, bad("write one of: "+strings.Join(s.Enum, ", "), "%q is not a value of group %q", value, group)
		}
		g := RuleGroup{File: file, Group: group}
		if _, twice := out[g]; twice {
			return nil, bad("keep one of the two", "group %q of %s is given twice", group, file)
		}
		out[g] = value
	}
	return out, nil
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

func (s *Setting) list(values []string) ([]string, error) {
	var out []string
	for _, v := range values {
		for e := range strings.SplitSeq(v, ",") {
			if e = strings.TrimSpace(e); e == "" {
				continue
			}
			if s.Kind == KindAddresses {
				if err := checkAddress(e); err != nil {
					return nil, err
				}
			}
			if s.Kind == KindNetworks {
				if _, err := parseNetwork(e); err != nil {
					return nil, err
				}
			}
			if s.Kind == KindURLs {
				if err := checkSecretURL(e, true); err != nil {
					return nil, err
				}
			}
			if len(s.Enum) > 0 && !slices.Contains(s.Enum, e) {
				return nil, s.notOne(e)
			}
			if slices.Contains(out, e) && s.Secret {
				return nil, bad("leave one out", "a value is given twice")
			}
			if slices.Contains(out, e) {
				return nil, bad("leave one out", "%q is given twice", e)
			}
			out = append(out, e)
		}
	}
	if s.Default != "" && len(out) == 0 {
		return nil, bad("write at least one, such as "+s.Default, "nothing is listed")
	}
	return out, nil
}

// parseNetwork reads an IP address, which is a network of one, or a network.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return netip.Prefix{}, bad("write an address such as 10.1.2.3, or a network such as 10.0.0.0/8", "%q is no IP address or network", text)
	}
	if a := p.Addr(); a.Is4In6() {
		if p.Bits() < 96 {
			return netip.Prefix{}, bad("write it as one of IPv4, such as 10.0.0.0/8", "%s is more than the addresses of IPv4 that it is written like", text)
		}
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	if p.Bits() == 0 {
		return netip.Prefix{}, bad("name the proxies", "%s is everybody, who could then choose the address that counts", text)
	}
	if m := p.Masked(); m != p {
		return netip.Prefix{}, bad("write "+m.String(), "%s has bits below its mask", text)
	}
	return p, nil
}

func (s *Setting) notOne(v string) error {
	hint := "write one of " + strings.Join(s.Enum, ", ")
	if n := spelling.Nearest(v, s.Enum); n != "" {
		hint = fmt.Sprintf("did you mean %q? One of %s", n, strings.Join(s.Enum, ", "))
	}
	return bad(hint, "%q is not known", v)
}

func (s *Setting) duration(v string) (time.Duration, error) {
	d, err := ParseDuration(v)
	if err != nil {
		return 0, err
	}
	lo, hi := time.Duration(0), maxDuration
	if s.Min != "" {
		if lo, err = ParseDuration(s.Min); err != nil {
			return 0, fmt.Errorf("smallest value of %s: %w", s.Flag, err)
		}
	}
	if s.Max != "" {
		if hi, err = ParseDuration(s.Max); err != nil {
			return 0, fmt.Errorf("largest value of %s: %w", s.Flag, err)
		}
	}
	return d, s.inRange(d < lo, d > hi, v)
}

func (s *Setting) number(v string) (int64, error) {
	parse := parseInt
	if s.Kind == KindSize {
		parse = ParseSize
	}
	n, err := parse(v)
	if err != nil {
		return 0, err
	}
	lo, hi := int64(0), int64(math.MaxInt64)
	if s.Min != "" {
		if lo, err = parse(s.Min); err != nil {
			return 0, fmt.Errorf("smallest value of %s: %w", s.Flag, err)
		}
	}
	if s.Max != "" {
		if hi, err = parse(s.Max); err != nil {
			return 0, fmt.Errorf("largest value of %s: %w", s.Flag, err)
		}
	}
	return n, s.inRange(n < lo, n > hi, v)
}

func (s *Setting) inRange(below, above bool, v string) error {
	switch {
	case below:
		return bad("write "+s.Range(), "%s is too small", v)
	case above:
		return bad("write "+s.Range(), "%s is too large", v)
	}
	return nil
}

// Range describes the valid values in words, or returns "".
func (s *Setting) Range() string {
	switch {
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, ", ")
	case s.Min != "" && s.Max != "":
		return s.Min + " to " + s.Max
	case s.Min != "":
		return s.Min + " or more"
	case s.Max != "":
		return "up to " + s.Max
	}
	return ""
}

func (s *Setting) checkText(v string) error {
	if strings.ContainsAny(v, "\x00\n\r") {
		return bad("write it on one line", "a line break or NUL is in the value")
	}
	if v == "" {
		if s.Default != "" && !s.mayBeEmpty() {
			return bad("leave the setting out for "+s.Default, "the value is empty")
		}
		return nil
	}
	switch s.Kind {
	case KindAddress:
		return checkAddress(v)
	case KindURL:
		if s.Secret {
			return checkSecretURL(v, false)
		}
		return checkURL(v)
	case KindRegexp:
		if _, err := regexp.Compile("^(?s:" + v + ")$"); err != nil {
			return bad("write an RE2 expression", "not a regular expression: %v", err)
		}
	case KindEnum:
		if !slices.Contains(s.Enum, v) {
			return s.notOne(v)
		}
	case KindLabel:
		if !labelName.MatchString(v) {
			return bad("write letters, digits and underscores, not beginning with a digit", "%q is not a label name", v)
		}
	}
	return nil
}
