package lint

import "touchline.dev/touchline/internal/config"

// CheckTouchline says everything that is wrong with a touchline.yaml by itself.
func CheckTouchline(path string, content []byte) []Finding {
	return finish(checkTouchline(newDocumentOfKind(path, content, Touchline)))
}

func checkTouchline(d *Document) []Finding {
	var out []Finding
	for _, p := range config.CheckFile(d.Path, d.Bytes) {
		f := Finding{File: d.Path, Line: max(p.Line, 1), Column: max(p.Column, 1), Code: "invalid-setting", Message: p.Message, Hint: p.Hint}
		if p.Field != "" {
			f.Message = p.Field + ": " + p.Message
		}
		out = append(out, f)
	}
	return out
}
