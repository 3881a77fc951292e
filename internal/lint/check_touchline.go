package lint

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"touchline.dev/touchline/internal/config"
	"touchline.dev/touchline/internal/httpserver"
)

// CheckTouchline says everything that is wrong with a touchline.yaml and with
// the files that it names.
func CheckTouchline(path string, content []byte) []Finding {
	return finish(checkTouchline(newDocumentOfKind(path, content, Touchline)))
}

// settingKinds tells what the files are that settings name.
var settingKinds = map[string]Kind{
	"prometheus.config":   Prometheus,
	"alertmanager.config": Alertmanager,
	"web.config.file":     WebConfig,
	"web.tokens-file":     Tokens,
	"cluster.tls-config":  ClusterTLS,
}

func checkTouchline(d *Document) []Finding {
	var out []Finding
	for _, p := range config.CheckFile(d.Path, d.Bytes) {
		out = append(out, settingFinding(d, p, Error, "invalid-setting"))
	}
	// Flags and variables may set right what the file alone gets wrong.
	for _, p := range config.CheckFileAlone(d.Path, d.Bytes) {
		out = append(out, settingFinding(d, p, Warning, "conflicting-settings"))
	}
	if len(out) == 0 {
		out = append(checkChannels(d), checkRoster(d)...)
	}
	out = append(out, checkProvisioningFolder(d)...)
	for _, named := range config.NamedFiles(d.Path, d.Bytes) {
		var err error
		if kind, ok := settingKinds[named.Flag]; !ok { // a secret or a template: none of our business but that it is there
			_, err = os.Stat(named.Path)
		} else {
			var doc *Document
			if doc, err = loadNamed(named.Path, kind); err == nil {
				out = append(out, check(doc)...)
			}
		}
		if err == nil {
			continue
		}
		f := referenced(d, nil, fmt.Errorf("%s: file %q: %w", named.Field, named.Path, plainPathError(err)))
		f.Line, f.Column = named.Line, named.Column
		if !strings.HasPrefix(named.Path, filepath.Dir(d.Path)+string(filepath.Separator)) && filepath.IsAbs(named.Path) {
			f.Hint = strings.Replace(f.Hint, relativePath, "", 1)
		}
		out = append(out, f)
	}
	return out
}

func settingFinding(d *Document, p config.Problem, severity Severity, code string) Finding {
	f := Finding{File: d.Path, Line: max(p.Line, 1), Column: max(p.Column, 1), Severity: severity, Code: code, Message: p.Message, Hint: p.Hint}
	if p.Field != "" {
		f.Message = p.Field + ": " + p.Message
	}
	return f
}

// loadNamed reads a file whose kind is told by who names it.
func loadNamed(path string, kind Kind) (*Document, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("is a folder; name the file in it")
	}
	d, err := loadFile(path)
	if err != nil {
		return nil, err
	}
	return newDocumentOfKind(path, d.Bytes, kind), nil
}

// checkTokens says what is wrong with a file of bearer tokens.
func checkTokens(d *Document) []Finding {
	err := httpserver.CheckTokens(d.Path, d.Bytes)
	if err == nil {
		return nil
	}
	var out []Finding
	for _, err := range all(err) {
		f := Finding{File: d.Path, Line: 1, Column: 1, Code: "bad-token-line", Message: err.Error()}
		if bad, ok := errors.AsType[*httpserver.BadTokenLine](err); ok {
			f.Line, f.Column = bad.Line, firstColumn(d.Bytes, bad.Line)
			f.Message, f.Hint, _ = strings.Cut(bad.Message, "; ")
		}
		out = append(out, f)
	}
	return out
}
