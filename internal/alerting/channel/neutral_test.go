package channel

import "testing"

func TestTwinsAndEntities(t *testing.T) {
	for _, c := range []struct{ text, twins, entities string }{
		{"", "", ""},
		{"97 % for 2 minutes", "97 % for 2 minutes", "97 % for 2 minutes"},
		{"[click](http://evil)", "[click］(http://evil)", "&#91;click&#93;(http://evil)"},
		{"![x](http://evil/a.png)", "![x］(http://evil/a.png)", "!&#91;x&#93;(http://evil/a.png)"},
		{"[a][b]\n[b]: http://evil", "[a］[b]\n[b］: http://evil", "&#91;a&#93;&#91;b&#93;\n&#91;b&#93;: http://evil"},
		{"(http://evil)", "（http://evil)", "(http://evil)"},                                        // after a template's [FIRING 1]
		{"**ok** *a* ***", "＊＊ok＊＊ ＊a＊ ＊＊＊", "&#42;&#42;ok&#42;&#42; &#42;a&#42; &#42;&#42;&#42;"}, // bold
		{"~~gone~~ ~5", "～～gone～～ ~5", "&#126;&#126;gone&#126;&#126; &#126;5"},
		{"`x`", "｀x｀", "&#96;x&#96;"},
		{"# Fine\n ## all\n>> well #1 > 0", "＃ Fine\n ＃＃ all\n＞＞ well #1 > 0", "&#35; Fine\n &#35;&#35; all\n&#62;&#62; well #1 > 0"},
		{"Fine\n---\nover\r\n===", "Fine\n－－－\nover\r\n＝＝＝", "Fine\n&#45;&#45;&#45;\nover\r\n&#61;&#61;&#61;"},
		{`<font color="info">ok</font><at id=all><!--`, `＜font color="info">ok＜/font>＜at id=all>＜!--`, `&#60;font color="info">ok&#60;/font>&#60;at id=all>&#60;!--`},
		{"&#91;click&#93; a&b a & b", "&#91;click&#93; a&b a & b", "&#38;#91;click&#38;#93; a&#38;b a & b"},
		{"- a\n- b", "- a\n- b", "- a\n- b"},
		{`sum by (le) (rate(a_b{c="d"}[5m:1m])) * 2 < 3`, `sum by (le) (rate(a_b{c="d"}[5m:1m])) * 2 < 3`, `sum by (le) (rate(a_b{c="d"}&#91;5m:1m&#93;)) &#42; 2 &#60; 3`},
		{"https://wiki.example/a_b?c=d&e=f#g", "https://wiki.example/a_b?c=d&e=f#g", "https://wiki.example/a_b?c=d&e=f#g"},
		{"https://a.example/[x](http://evil)**b**", "https://a.example/%5Bx%5D%28http://evil%29%2A%2Ab%2A%2A", "https://a.example/%5Bx%5D%28http://evil%29%2A%2Ab%2A%2A"},
		{"https://a.example/ [x](http://evil)", "https://a.example/ [x］(http://evil)", "https://a.example/ &#91;x&#93;(http://evil)"},
		{"javascript:alert(1)", "javascript:alert(1)", "javascript:alert(1)"},
	} {
		if got := Twins(c.text); got != c.twins {
			t.Errorf("twins of %q: %q, want %q", c.text, got, c.twins)
		}
		if got := Entities(c.text); got != c.entities {
			t.Errorf("entities of %q: %q, want %q", c.text, got, c.entities)
		}
	}
}
