package dashboard

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// applyOperations carries out a JSON patch.
func applyOperations(v any, ops []Operation) (any, error) {
	for _, o := range ops {
		var value any
		if o.Op != "remove" {
			if err := json.Unmarshal(o.Value, &value); err != nil {
				return nil, err
			}
		}
		if o.Path == "" {
			v = value
			continue
		}
		var path []string
		for _, p := range strings.Split(o.Path, "/")[1:] {
			path = append(path, strings.NewReplacer("~1", "/", "~0", "~").Replace(p))
		}
		var err error
		if v, err = applyOne(v, path, o.Op, value); err != nil {
			return nil, fmt.Errorf("%s %s: %w", o.Op, o.Path, err)
		}
	}
	return v, nil
}

func applyOne(v any, path []string, op string, value any) (any, error) {
	switch x := v.(type) {
	case map[string]any:
		old, ok := x[path[0]]
		if len(path) > 1 {
			if !ok {
				return nil, fmt.Errorf("no member %q", path[0])
			}
			inner, err := applyOne(old, path[1:], op, value)
			x[path[0]] = inner
			return x, err
		}
		if ok == (op == "add") {
			return nil, fmt.Errorf("member %q is there: %v", path[0], ok)
		}
		delete(x, path[0])
		if op != "remove" {
			x[path[0]] = value
		}
		return x, nil
	case []any:
		i, err := strconv.Atoi(path[0])
		if err != nil || i < 0 || i > len(x) || i == len(x) && (op != "add" || len(path) > 1) {
			return nil, fmt.Errorf("no item %q of %d", path[0], len(x))
		}
		if len(path) > 1 {
			x[i], err = applyOne(x[i], path[1:], op, value)
			return x, err
		}
		switch op {
		case "add":
			return append(x[:i:i], append([]any{value}, x[i:]...)...), nil
		case "remove":
			return append(x[:i:i], x[i+1:]...), nil
		}
		x[i] = value
		return x, nil
	}
	return nil, fmt.Errorf("%v has no members", v)
}

// applyUnified carries out a unified diff, and holds it against its own numbers.
func applyUnified(text, diff string) (string, error) {
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	var out strings.Builder
	at, written := 0, 0
	put := func(s string) { out.WriteString(s); written++ }
	body := strings.SplitAfter(diff, "\n")
	if !strings.HasPrefix(body[0], "--- a/") || !strings.HasPrefix(body[1], "+++ b/") {
		return "", fmt.Errorf("no header: %s", diff)
	}
	var oldLeft, newLeft int
	for i := 2; i < len(body); i++ {
		line := body[i]
		if line == "" {
			continue
		}
		if i+1 < len(body) && strings.HasPrefix(body[i+1], `\ No newline`) {
			line = strings.TrimSuffix(line, "\n")
		}
		if oldLeft == 0 && newLeft == 0 && strings.HasPrefix(line, "@@") {
			var from, to int
			if _, err := fmt.Sscanf(line, "@@ -%d,%d +%d,%d @@", &from, &oldLeft, &to, &newLeft); err != nil {
				return "", err
			}
			if oldLeft > 0 {
				from--
			}
			if newLeft > 0 {
				to--
			}
			for ; at < from; at++ {
				put(lines[at])
			}
			if written != to {
				return "", fmt.Errorf("%s begins at line %d", line, written)
			}
			continue
		}
		switch line[0] {
		case '\\':
		case '+':
			newLeft--
			put(line[1:])
		case '-', ' ':
			if at >= len(lines) || lines[at] != line[1:] {
				return "", fmt.Errorf("line %d is not %q", at, line[1:])
			}
			at++
			if oldLeft--; line[0] == ' ' {
				newLeft--
				put(line[1:])
			}
		default:
			return "", fmt.Errorf("a line of a diff: %q", line)
		}
	}
	if oldLeft != 0 || newLeft != 0 {
		return "", fmt.Errorf("a hunk that is too short")
	}
	for ; at < len(lines); at++ {
		put(lines[at])
	}
	return out.String(), nil
}

// checkDifference holds both forms of a difference against what they must lead to.
func checkDifference(t interface{ Fatalf(string, ...any) }, before, after string) Patch {
	a, err := Parse(before)
	if err != nil {
		t.Fatalf("%v", err)
	}
	b, err := Parse(after)
	if err != nil {
		t.Fatalf("%v", err)
	}
	p := Difference("x.json", a, b)
	// The numbers of a server stay the file's.
	want := asValue(t, after).(map[string]any)
	here := asValue(t, before).(map[string]any)
	for _, name := range []string{"id", "uid", "version"} {
		delete(want, name)
		if v, ok := here[name]; ok {
			want[name] = v
		}
	}
	raw, err := json.Marshal(want)
	if err != nil {
		t.Fatalf("%v", err)
	}
	got, err := applyOperations(asValue(t, before), p.Operations)
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, before, after)
	}
	if patched, err := json.Marshal(got); err != nil || !same(t, string(patched), string(raw)) {
		t.Fatalf("the patch of\n%s\nto\n%s\nleads to %s", before, after, patched)
	}
	if len(p.Operations) == 0 {
		if p.Diff != "" {
			t.Fatalf("a diff of nothing: %s", p.Diff)
		}
		return p
	}
	text, err := applyUnified(before, p.Diff)
	if err != nil {
		t.Fatalf("%v\n%s\n%s\n%s", err, before, after, p.Diff)
	}
	if !json.Valid([]byte(text)) || !same(t, text, string(raw)) {
		t.Fatalf("the diff of\n%s\nto\n%s\nleads to\n%s\nby\n%s", before, after, text, p.Diff)
	}
	return p
}

func TestDifference(t *testing.T) {
	const before = `{
  "title": "A",
  "uid": "a",
  "version": 7,
  "refresh": "5s",
  "panels": [
    { "id": 1, "title": "One" },
    {
      "id": 2,
      "title": "Two",
      "targets": [
        { "expr": "up" }
      ]
    },
    {
      "id": 3
    }
  ],
  "tags": []
}
`
	// As a console sends it: compact, in another order, with other numbers.
	p := checkDifference(t, before, `{"version":9,"uid":"b","tags":["t"],"panels":[{"title":"One","id":1},{"id":2,"title":"Zwei","targets":[{"expr":"up"},{"expr":"down","x":{"y":[]}}]}],"title":"A","time":{"from":"now-6h"}}`)
	const diff = `--- a/x.json
+++ b/x.json
@@ -2,19 +2,26 @@
   "title": "A",
   "uid": "a",
   "version": 7,
-  "refresh": "5s",
   "panels": [
     { "id": 1, "title": "One" },
     {
       "id": 2,
-      "title": "Two",
+      "title": "Zwei",
       "targets": [
-        { "expr": "up" }
+        { "expr": "up" },
+        {
+          "expr": "down",
+          "x": {
+            "y": []
+          }
+        }
       ]
-    },
-    {
-      "id": 3
     }
   ],
-  "tags": []
+  "tags": [
+    "t"
+  ],
+  "time": {
+    "from": "now-6h"
+  }
 }
`
	if p.Diff != diff {
		t.Errorf("%s", p.Diff)
	}
	raw, err := json.Marshal(p.Operations)
	if err != nil {
		t.Fatal(err)
	}
	const ops = `[{"op":"remove","path":"/refresh"},{"op":"replace","path":"/panels/1/title","value":"Zwei"},{"op":"add","path":"/panels/1/targets/1","value":{"expr":"down","x":{"y":[]}}},{"op":"remove","path":"/panels/2"},{"op":"add","path":"/tags/0","value":"t"},{"op":"add","path":"/time","value":{"from":"now-6h"}}]`
	if string(raw) != ops {
		t.Errorf("%s", raw)
	}
	for _, c := range [][2]string{
		{`{"panels":[]}`, `{"panels":[1,2]}`},
		{`{"panels":[1,2,3]}`, `{"panels":[]}`},
		{`{"panels":[1,2,3]}`, `{"panels":[3,2,1]}`},
		{`{"panels":[1,3]}`, `{"panels":[1,2,3]}`},
		{`{"panels":[],"a/b~c":1}`, `{"panels":[],"a/b~c":{}}`},
		{"{\r\n  \"panels\": [\r\n  ]\r\n}", `{"panels":[{"id":1}]}`},
		{`{"id":1,"panels":[]}`, `{"id":2,"panels":[]}`},
		{`{"panels":[],"x":1.0}`, `{"panels":[],"x":1}`},
		{`{"panels":[],"x":9007199254740993}`, `{"panels":[],"x":9007199254740992}`},
	} {
		checkDifference(t, c[0], c[1])
	}
}

// TestDifferenceOfResource holds that the name which a dashboard of schema v2 has here is not written into its file.
func TestDifferenceOfResource(t *testing.T) {
	for _, c := range []struct{ before, after, ops string }{
		{`"metadata":{"name":"a","labels":{}},"spec":{"elements":{},"title":"A"}`, `"metadata":{"name":"b","labels":{}},"spec":{"elements":{},"title":"B"}`, `[{"op":"replace","path":"/spec/title","value":"B"}]`},
		{`"spec":{"elements":{}}`, `"metadata":{"name":"b"},"spec":{"elements":{}}`, `[]`},
		{`"metadata":{},"spec":{"elements":{}}`, `"metadata":{"name":"b","labels":{"x":"y"}},"spec":{"elements":{"p":{}}}`, `[{"op":"add","path":"/metadata/labels","value":{"x":"y"}},{"op":"add","path":"/spec/elements/p","value":{}}]`},
		{`"spec":{"elements":{}}`, `"metadata":{"labels":{"x":"y"}},"spec":{"elements":{}}`, `[{"op":"add","path":"/metadata","value":{"labels":{"x":"y"}}}]`},
		{`"metadata":{"name":"a"},"spec":{"elements":{}}`, `"metadata":{"name":"a","labels":{"x":"y"}},"spec":{"elements":{}}`, `[{"op":"add","path":"/metadata/labels","value":{"x":"y"}}]`},
	} {
		parse := func(members string) *Document {
			d, err := Parse(`{"apiVersion":"dashboard.grafana.app/v2",` + members + `}`)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		p := Difference("x.json", parse(c.before), parse(c.after))
		raw, err := json.Marshal(p.Operations)
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != c.ops || (p.Diff == "") != (c.ops == "[]") {
			t.Errorf("from %s to %s: %s\n%s", c.before, c.after, raw, p.Diff)
		}
	}
}

// TestDifferenceOfAnything takes documents at random, written in every way.
func TestDifferenceOfAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		write := func(v map[string]any, label string) string {
			v["panels"] = []any{}
			if list, ok := v["a"].([]any); ok {
				v["panels"] = list
			}
			raw, err := json.Marshal(v)
			if err != nil {
				t.Fatalf("%v", err)
			}
			switch rapid.IntRange(0, 2).Draw(t, label) {
			case 0:
				return string(raw)
			case 1:
				var out strings.Builder
				enc := json.NewEncoder(&out)
				enc.SetIndent("", "  ")
				if err := enc.Encode(v); err != nil {
					t.Fatalf("%v", err)
				}
				return out.String()
			}
			return strings.ReplaceAll(string(raw), `,"`, ",\n\t\"")
		}
		checkDifference(t, write(anObject(3).Draw(t, "before"), "form"), write(anObject(3).Draw(t, "after"), "form"))
	})
}

func aValue(depth int) *rapid.Generator[any] {
	kinds := []*rapid.Generator[any]{
		rapid.Map(rapid.IntRange(0, 3), func(i int) any { return i }), rapid.Map(rapid.Bool(), func(b bool) any { return b }), rapid.Just[any](nil),
		rapid.Map(rapid.SampledFrom([]string{"", "x", "a\"b", "ü", "line\nbreak", "{", "<"}), func(s string) any { return s }),
	}
	if depth > 0 {
		kinds = append(kinds,
			rapid.Map(rapid.SliceOfN(rapid.Deferred(func() *rapid.Generator[any] { return aValue(depth - 1) }), 0, 4), func(l []any) any { return l }),
			rapid.Map(rapid.Deferred(func() *rapid.Generator[map[string]any] { return anObject(depth - 1) }), func(m map[string]any) any { return m }))
	}
	return rapid.OneOf(kinds...)
}

func anObject(depth int) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c", "id", "version", "x/y", "~", "q\"", "nested"}), rapid.Deferred(func() *rapid.Generator[any] { return aValue(depth) }), 0, 5)
}
