package config

import (
	"reflect"
	"testing"
)

func TestChannels(t *testing.T) {
	c, ps := fromFile("dir/touchline.yaml", []byte(`
channels:
  ops:
    - type: dingtalk
      url_file: secrets/url
      secret_env: DING_SECRET
      mention: {mobiles: ["13800000001"], users: [zhang], severities: [critical]}
    - {type: email, smarthost: "localhost:25", from: a@example.org, to: [b@example.org], tls: none}
`))
	if len(ps) > 0 {
		t.Fatal(ps)
	}
	ding, mail := c.Channels["ops"][0], c.Channels["ops"][1]
	if ding.URLFile != "dir/secrets/url" || ding.Language != "en" || ding.Message != "markdown" || !ding.SendResolved || ding.Place() != "dir/touchline.yaml:4:7" || !reflect.DeepEqual(ding.Mention.Users, []string{"zhang"}) {
		t.Errorf("dingtalk %+v", ding)
	}
	if !mail.Picture || mail.TLS != "none" {
		t.Errorf("email %+v", mail)
	}
	if ps := UnknownReceivers(c.Channels, []string{"opps", "x"}); ps.Error() != `dir/touchline.yaml:4:7: channels.ops: alertmanager.yml has no receiver of this name; did you mean "opps"?` || ps[0].Line != 4 || ps[0].File != "dir/touchline.yaml" {
		t.Errorf("%v", ps)
	}
	if ps := UnknownReceivers(c.Channels, []string{"ops"}); len(ps) > 0 {
		t.Errorf("%v", ps)
	}
	files := NamedFiles("dir/touchline.yaml", []byte("channels:\n  ops:\n    - {type: feishu, url_file: u, template_file: t}\n"))
	if len(files) != 2 || files[1].Field != "channels.ops[0].template_file" || files[1].Path != "dir/t" || files[1].Line != 3 {
		t.Errorf("files %+v", files)
	}
}

func TestProblemsOfChannels(t *testing.T) {
	one := func(s string) string { return "channels:\n  ops:\n    - {" + s + "}\n" }
	mail := "type: email, smarthost: 'm:25', from: a@b.c, to: [d@e.f]"
	for _, c := range []struct{ in, want string }{
		{one("type: dingtalk"), `f.yaml:3:8: channels.ops[0].url_file: is missing; write url_file or url_env; the address is a secret and cannot stand here`},
		{one("type: dingtlak, url_env: X"), `f.yaml:3:14: channels.ops[0].type: "dingtlak" is not known; write one of: dingtalk, wecom, feishu, slack, email`},
		{one("type: dingtalk, url: https://x"), `f.yaml:3:29: channels.ops[0].url: unknown key; known here: type, url_file, url_env, secret_file, secret_env, language, message, mention, template_file, send_resolved, smarthost, from, to, tls, ca_file, username, password_file, password_env, picture`},
		{one("type: dingtalk, url_env: 'https://x'"), `f.yaml:3:33: channels.ops[0].url_env: this is no name of a variable; write the name of a variable, such as DINGTALK_URL`},
		{one("type: dingtalk, url_env: X, url_file: y"), `f.yaml:3:33: channels.ops[0].url_env: url_file is given, too; keep one of the two`},
		{one("type: dingtalk, url_env: X, to: [a@b.c]"), `f.yaml:3:40: channels.ops[0].to: type dingtalk has no such key; leave it out`},
		{one("type: dingtalk, url_env: X, message: card, mention: {all: true}"), `f.yaml:3:61: channels.ops[0].mention: a card calls nobody; write message: markdown, or leave mention out`},
		{one("type: dingtalk, url_env: X, mention: {severities: [critical]}"), `f.yaml:3:58: channels.ops[0].mention.severities: nobody is called; write mobiles, users or all`},
		{one("type: dingtalk, url_env: X, mention: {mobiles: [abc]}"), `f.yaml:3:56: channels.ops[0].mention.mobiles[0]: "abc" is no mobile number; write it in quotes, with digits only`},
		{one("type: wecom, url_env: X, secret_env: Y"), `f.yaml:3:8: channels.ops[0]: a WeCom robot has no signature; leave secret_file and secret_env out`},
		{one("type: wecom, url_env: X, mention: {all: true}"), `f.yaml:3:43: channels.ops[0].mention: a markdown message of WeCom calls people by user id only; write users, or message: text`},
		{one("type: slack, url_env: X, secret_env: Y"), `f.yaml:3:8: channels.ops[0].message: only a card has the button that the signing secret is for; write message: card, or leave the secret out`},
		{one("type: slack, url_env: X, mention: {mobiles: ['138']}"), `f.yaml:3:52: channels.ops[0].mention.mobiles: Slack cannot call people by mobile number; write member ids or user group ids under users`},
		{one("type: feishu, url_env: X, mention: {mobiles: ['138']}"), `f.yaml:3:53: channels.ops[0].mention.mobiles: a Feishu bot cannot call people by mobile number; write open ids or user ids under users`},
		{one(mail + ", url_env: X"), `f.yaml:3:75: channels.ops[0].url_env: type email has no such key; leave it out`},
		{one("type: email, smarthost: m, from: a, to: [b]"), "f.yaml:3:32: channels.ops[0].smarthost: \"m\" is no address of a mail server; write host:port, such as smtp.example.org:587\n" +
			"f.yaml:3:41: channels.ops[0].from: \"a\" is no mail address; write an address, such as touchline@example.org\nf.yaml:3:49: channels.ops[0].to[0]: \"b\" is no mail address; write an address, such as on-call@example.org"},
		{one(mail + ", username: u"), `f.yaml:3:8: channels.ops[0].password_file: is missing; write password_file or password_env; the password cannot stand here`},
		{one(mail + ", username: u, password_env: P, tls: none"), `f.yaml:3:101: channels.ops[0].tls: the password would be sent readable for everybody; write starttls or implicit`},
		{one(mail + ", password_env: P"), `f.yaml:3:8: channels.ops[0].username: is missing; write the user's name, or leave the password out`},
		{"channels:\n  ops: {type: dingtalk}\n", `f.yaml:2:9: channels.ops: expected a list, found a mapping; write a list, each item on a line that begins with -`},
	} {
		if got := CheckFile("f.yaml", []byte(c.in)).Error(); got != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.in, got, c.want)
		}
	}
}
