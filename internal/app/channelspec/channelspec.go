// Package channelspec turns the section channels of touchline.yaml into what
// the channels are made of. The server, the check and the bridge share it.
package channelspec

import (
	"touchline.dev/touchline/internal/alerting/channel"
	"touchline.dev/touchline/internal/alerting/channel/registry"
	"touchline.dev/touchline/internal/config"
)

// Of gives the channels of each receiver.
func Of(channels map[string][]config.Channel) map[string][]registry.Spec {
	out := make(map[string][]registry.Spec, len(channels))
	for receiver, list := range channels {
		for i := range list {
			out[receiver] = append(out[receiver], One(&list[i]))
		}
	}
	return out
}

// One gives one channel.
func One(c *config.Channel) registry.Spec {
	s := registry.Spec{
		Type: c.Type, Language: c.Language, Kind: c.Message, TemplateFile: string(c.TemplateFile), SendResolved: c.SendResolved, Where: c.Place(),
		URL:    channel.Secret{File: string(c.URLFile), Env: c.URLEnv},
		Secret: channel.Secret{File: string(c.SecretFile), Env: c.SecretEnv},
		Mention: channel.Mention{
			Mobiles: c.Mention.Mobiles, Users: c.Mention.Users, All: c.Mention.All, Severities: c.Mention.Severities,
		},
	}
	if c.Type == channel.Email {
		s.Kind = ""
		s.Mail = registry.Mail{
			Smarthost: c.Smarthost, From: c.From, To: c.To, TLS: c.TLS, CAFile: string(c.CAFile), Username: c.Username,
			Password: channel.Secret{File: string(c.PasswordFile), Env: c.PasswordEnv}, Picture: c.Picture,
		}
	}
	return s
}
