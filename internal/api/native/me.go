package native

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/identity"
)

// me is who sent a request, as they see it.
type me struct {
	Name    string         `json:"name"`
	Method  string         `json:"method" doc:"How they proved it: anonymous, session, token, basic or certificate."`
	May     []string       `json:"may" doc:"Classes of access: read, ingest, respond, change, admin."`
	Session string         `json:"session,omitempty" doc:"The id of the session."`
	Token   string         `json:"token,omitempty" doc:"The id of the token that the request showed."`
	User    *identity.User `json:"user,omitempty" doc:"Their profile; not there for those who have none, such as agents."`
}

type meOutput struct {
	SetCookie    string `header:"Set-Cookie"`
	CacheControl string `header:"Cache-Control"`
	ETag         string `header:"ETag"`
	Body         me
}

type sessionsOutput struct {
	Body struct {
		Sessions []identity.Session `json:"sessions"`
	}
}

type signedOut struct {
	SetCookie string `header:"Set-Cookie"`
}

// maxSessions bounds the list of sessions.
const maxSessions = 1000

func (a *API) me(in Accounts, door Door) {
	const tag = "Me"
	answer := func(ctx context.Context, p Person, cookie string) (*meOutput, error) {
		o := &meOutput{SetCookie: cookie, CacheControl: noStore, Body: me{Name: p.Name, Method: p.Method, May: append([]string{}, p.Scopes...), Session: p.Session, Token: p.Token}}
		if p.User {
			u, err := in.User(ctx, p.Name)
			if err != nil {
				return nil, a.accountFailure(ctx, "the profile", err)
			}
			o.Body.User, o.ETag = &u, etag(u.Version)
		}
		return o, nil
	}
	huma.Register(a.huma, operation("get-me", http.MethodGet, "/me", tag, "Who sends this request, and what they may do"),
		func(ctx context.Context, _ *struct{}) (*meOutput, error) { return answer(ctx, door.Who(ctx), "") })
	huma.Register(a.huma, operation("change-me", http.MethodPatch, "/me", tag, "Change one's own profile; what is left out stays", http.StatusPreconditionFailed, http.StatusUnprocessableEntity),
		func(ctx context.Context, i *struct {
			IfMatch string `header:"If-Match" doc:"Only where the profile still has this ETag."`
			Body    struct {
				DisplayName *string `json:"display_name,omitempty"`
				Email       *string `json:"email,omitempty"`
				Language    *string `json:"language,omitempty" doc:"en, zh, or empty for what the browser prefers."`
			}
		},
		) (*meOutput, error) {
			p, err := inPerson(ctx, door)
			if err != nil {
				return nil, err
			}
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			if _, err := in.UpdateUser(ctx, p.Actor, p.Name, version, identity.UserChange{DisplayName: i.Body.DisplayName, Email: i.Body.Email, Language: i.Body.Language}); err != nil {
				return nil, a.accountFailure(ctx, "changing the profile", err)
			}
			return answer(ctx, p, "")
		})
	huma.Register(a.huma, operation("change-my-password", http.MethodPut, "/me/password", tag, "Change one's own password; other sessions end", http.StatusUnprocessableEntity, http.StatusTooManyRequests),
		func(ctx context.Context, i *struct {
			Body struct {
				Current  string `json:"current" writeOnly:"true" doc:"The password until now."`
				Password string `json:"password" writeOnly:"true"`
			}
		},
		) (*struct{}, error) {
			p, err := inPerson(ctx, door)
			if err != nil {
				return nil, err
			}
			if err := door.CheckPassword(ctx, i.Body.Current); err != nil {
				if identity.KindOf(err) == identity.Denied {
					return nil, huma.Error403Forbidden("the password until now is not right")
				}
				return nil, a.accountFailure(ctx, "checking the password", err)
			}
			if err := in.SetPassword(ctx, p.Actor, p.Name, i.Body.Password, p.Session); err != nil {
				return nil, a.accountFailure(ctx, "changing the password", err)
			}
			return nil, nil
		})

	huma.Register(a.huma, operation("list-sessions", http.MethodGet, "/sessions", tag, "Browsers that are signed in: one's own, or, for administrators, those of another user"),
		func(ctx context.Context, i *struct {
			User string `query:"user" doc:"Whose; * for everybody's."`
		},
		) (*sessionsOutput, error) {
			whose, err := sessionsOf(door.Who(ctx), i.User)
			if err != nil {
				return nil, err
			}
			list, err := in.Sessions(ctx, whose, maxSessions)
			if err != nil {
				return nil, a.accountFailure(ctx, "listing sessions", err)
			}
			o := &sessionsOutput{}
			o.Body.Sessions = append([]identity.Session{}, list...)
			return o, nil
		})
	huma.Register(a.huma, operation("end-session", http.MethodDelete, "/sessions/{id}", tag, "Sign a browser out: one of one's own, or, for administrators, any", http.StatusNotFound),
		func(ctx context.Context, i *struct {
			ID string `path:"id" maxLength:"64"`
		},
		) (*struct{}, error) {
			p := door.Who(ctx)
			whose := ""
			if !p.admin() {
				var err error
				if p, err = inPerson(ctx, door); err != nil {
					return nil, err
				}
				whose = p.Name
			}
			if err := in.EndSession(ctx, p.Actor, i.ID, whose); err != nil {
				return nil, a.accountFailure(ctx, "ending a session", err)
			}
			return nil, nil
		})

	huma.Register(a.huma, operation("sign-in", http.MethodPost, "/login", tag, "Sign a browser in: the answer sets its cookie", http.StatusTooManyRequests),
		func(ctx context.Context, i *struct {
			UserAgent string `header:"User-Agent" hidden:"true"`
			Body      struct {
				User     string `json:"user"`
				Password string `json:"password" writeOnly:"true"`
			}
		},
		) (*meOutput, error) {
			cookie, p, err := door.SignIn(ctx, i.Body.User, i.Body.Password, i.UserAgent)
			if err != nil {
				return nil, a.accountFailure(ctx, "signing in", err)
			}
			return answer(ctx, p, cookie.String())
		})
	huma.Register(a.huma, operation("sign-out", http.MethodPost, "/logout", tag, "Sign this browser out"),
		func(ctx context.Context, _ *struct{}) (*signedOut, error) {
			cookie, err := door.SignOut(ctx)
			if err != nil {
				return nil, a.accountFailure(ctx, "signing out", err)
			}
			return &signedOut{cookie.String()}, nil
		})
}

func (p *Person) admin() bool { return slices.Contains(p.Scopes, string(identity.AdminAll)) }

// sessionsOf is whose sessions may be listed.
func sessionsOf(p Person, user string) (string, error) {
	switch {
	case user == "" || user == p.Name:
		if p.Name == "" || !p.User && p.Session == "" {
			return "", forbidden("%s has no sessions; name a user", p.Name)
		}
		return p.Name, nil
	case !p.admin():
		return "", forbidden("only administrators see the sessions of others")
	case user == "*":
		return "", nil
	}
	return identity.UserName(user), nil
}

// inPerson is the user who sent a request. A token that may only read must not
// change the profile of whose it is.
func inPerson(ctx context.Context, door Door) (Person, error) {
	p := door.Who(ctx)
	switch {
	case p.Method == identity.MethodToken:
		return p, forbidden("a token may not do this; sign in")
	case !p.User:
		return p, noProfile(p)
	}
	return p, nil
}

func noProfile(p Person) error { return forbidden("%s has no profile; sign in as a user", p.Name) }
