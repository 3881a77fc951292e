package config

import (
	"fmt"
	"io"
	"strings"
)

// WriteHelp writes the flags, grouped by area, for --help. Lines are at most
// width columns wide; 0 means 100.
func WriteHelp(w io.Writer, width int) error {
	if width <= 0 {
		width = 100
	}
	var b strings.Builder
	area := ""
	for i := range Settings {
		s := &Settings[i]
		if s.Hidden {
			continue
		}
		if s.Area != area {
			if area != "" {
				b.WriteByte('\n')
			}
			area = s.Area
			fmt.Fprintf(&b, "%s:\n", area)
		}
		fmt.Fprintf(&b, "  --%s", s.Flag)
		switch {
		case s.Kind == KindBool:
		case s.Default != "":
			fmt.Fprintf(&b, "=%s", s.Default)
		default:
			fmt.Fprintf(&b, "=%s", strings.ToUpper((&flagValue{s: s}).Type()))
		}
		if s.Kind == KindBool && s.Default == "true" {
			b.WriteString("=true")
		}
		b.WriteByte('\n')
		wrap(&b, s.Help, "        ", width)
		if r := s.Range(); r != "" && s.Kind == KindEnum {
			wrap(&b, "One of: "+r+".", "        ", width)
		}
	}
	b.WriteString("\n")
	wrap(&b, "Each flag is also a variable: --web.listen-address is TOUCHLINE_WEB_LISTEN_ADDRESS. A flag beats a variable, a variable beats touchline.yaml.", "", width)
	_, err := io.WriteString(w, b.String())
	return err
}

func wrap(b *strings.Builder, text, indent string, width int) {
	line := indent
	for word := range strings.FieldsSeq(text) {
		if len(line) > len(indent) && len(line)+1+len(word) > width {
			b.WriteString(line + "\n")
			line = indent
		}
		if len(line) > len(indent) {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}

// WriteReference writes docs/reference/config.md.
func WriteReference(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# Configuration

This page is generated from the table of settings; do not edit it by hand.

Every setting is a flag of ` + "`touchline run`" + `, a variable and a key of ` + "`touchline.yaml`" + `. A flag beats a variable, a variable
beats the file, and the file beats the default. Dots in a key are levels of the file: ` + "`web.listen_address`" + ` is

` + "```yaml\nweb:\n  listen_address: 127.0.0.1:7070\n```" + `

What has a format of its own stays in its own file: scraping and remote write in ` + "`prometheus.yml`" + `, routes and receivers in
` + "`alertmanager.yml`" + `, TLS and users in a ` + "`web.config.file`" + `. Secrets are given by file; what may hold one all the same, such as a URL with a password, is never shown or logged.
In ` + "`touchline.yaml`" + ` a relative path begins at that file's folder; elsewhere it begins at the working directory.
Durations are written as for Prometheus (` + "`30s`, `1h30m`, `15d`" + `), sizes with a unit (` + "`512MB`, `1GiB`" + `; all units are powers of two).
An unknown key, a wrong type or a value out of range stops the start, and each is told with its line and column.
`)
	area := ""
	for i := range Settings {
		s := &Settings[i]
		if s.Hidden {
			continue
		}
		if s.Area != area {
			area = s.Area
			fmt.Fprintf(&b, "\n## %s\n", area)
		}
		fmt.Fprintf(&b, "\n### `--%s`\n\n%s\n\n", s.Flag, s.Help)
		if s.Path != "" {
			path := s.Path
			if s.Kind == KindGroups {
				path = "rules.groups.FILE.GROUP." + s.Key
			}
			fmt.Fprintf(&b, "- In the file: `%s`\n", path)
		}
		fmt.Fprintf(&b, "- Variable: `%s`\n- Type: %s\n", s.Env(), s.typeName())
		if s.Default != "" {
			fmt.Fprintf(&b, "- Default: `%s`\n", s.Default)
		} else {
			b.WriteString("- Default: empty\n")
		}
		if r := s.Range(); r != "" {
			fmt.Fprintf(&b, "- Values: %s\n", r)
		}
		if s.Example != "" {
			fmt.Fprintf(&b, "- Example: `%s`\n", s.Example)
		}
		fmt.Fprintf(&b, "- Since: %s\n", s.Since)
	}
	writeSections(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Setting) typeName() string {
	switch s.Kind {
	case KindBool:
		return "true or false"
	case KindInt:
		return "whole number"
	case KindDuration:
		return "duration"
	case KindSize:
		return "size"
	case KindList:
		return "list of names"
	case KindGroups:
		return "list of file:group=value; in the file, below `rules.groups`, a mapping of files to groups to `" + s.Key + "`"
	case KindAddress:
		return "host:port"
	case KindAddresses:
		return "list of host:port"
	case KindFile:
		return "file"
	case KindDir:
		return "folder"
	case KindURL:
		return "URL"
	case KindURLs:
		return "list of URLs"
	case KindNetworks:
		return "list of IP addresses and networks"
	case KindRegexp:
		return "regular expression (RE2)"
	case KindEnum:
		return "one of the values below"
	case KindLabel:
		return "label name"
	}
	return "text"
}
