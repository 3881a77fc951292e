package native

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/identity"
)

// Accounts keeps users, tokens, sessions and the audit log.
type Accounts interface {
	Users(ctx context.Context, after string, limit int) ([]identity.User, error)
	User(ctx context.Context, name string) (identity.User, error)
	CreateUser(ctx context.Context, by identity.Actor, u identity.User, password string) (identity.User, error)
	UpdateUser(ctx context.Context, by identity.Actor, name string, version int64, c identity.UserChange) (identity.User, error)
	SetPassword(ctx context.Context, by identity.Actor, name, password, keepSession string) error
	CreateLink(ctx context.Context, by identity.Actor, user string) (string, identity.Link, error)

	Tokens(ctx context.Context, all bool, after string, limit int) ([]identity.Token, error)
	CreateToken(ctx context.Context, by identity.Actor, n identity.NewToken) (string, identity.Token, error)
	RotateToken(ctx context.Context, by identity.Actor, idOrName string, overlap time.Duration, expires time.Time) (string, identity.Token, error)
	RevokeToken(ctx context.Context, by identity.Actor, idOrName string) ([]identity.Token, error)

	OwnTokens(ctx context.Context, user string) ([]identity.Token, error)
	CreateOwnToken(ctx context.Context, by identity.Actor, n identity.NewToken) (string, identity.Token, error)
	RevokeOwnToken(ctx context.Context, by identity.Actor, idOrName string) ([]identity.Token, error)

	Sessions(ctx context.Context, user string, limit int) ([]identity.Session, error)
	EndSession(ctx context.Context, by identity.Actor, id, user string) error

	Entries(ctx context.Context, q identity.AuditQuery) ([]identity.AuditRow, error)
}

// Door lets people in and out, and knows who is in.
type Door interface {
	Who(ctx context.Context) Person
	SignIn(ctx context.Context, name, password, userAgent string) (*http.Cookie, Person, error)
	SignOut(ctx context.Context) (*http.Cookie, error)
	// CheckPassword tells whether a password is that of the user who sent the request.
	CheckPassword(ctx context.Context, password string) error
	// LinkURL is where a one-time link leads.
	LinkURL(secret string) string
}

// Person is who sent a request.
type Person struct {
	identity.Actor
	User     bool // a user of ours, who has a profile
	Role     identity.Role
	Language string // that the user has chosen, "" for none
	Session  string // the id, "" without one
	Token    string // the id of the one that the request showed, "" without one
	Scopes   []string
}

// Accounts registers the handlers for users, tokens, sessions and the audit log.
func (a *API) Accounts(in Accounts, door Door) {
	a.users(in, door)
	a.tokens(in, door)
	a.me(in, door)
	a.ownTokens(in, door)
	a.audit(in)
}

// accountFailure answers with what was refused, and why.
func (a *API) accountFailure(ctx context.Context, what string, err error) error {
	var e *identity.Error
	if !errors.As(err, &e) {
		return a.failure(ctx, what, err)
	}
	switch e.Kind {
	case identity.NotFound:
		return huma.Error404NotFound(e.Error())
	case identity.Exists, identity.Conflict:
		return huma.Error409Conflict(e.Error())
	case identity.Stale:
		return huma.Error412PreconditionFailed(e.Error())
	case identity.Denied, identity.Disabled:
		return huma.Error401Unauthorized(e.Error())
	case identity.TooMany:
		seconds := int((e.RetryAfter + time.Second - 1) / time.Second)
		return huma.ErrorWithHeaders(huma.Error429TooManyRequests(e.Error()), http.Header{"Retry-After": {strconv.Itoa(seconds)}})
	}
	return huma.Error422UnprocessableEntity("validation failed", &huma.ErrorDetail{Location: "body." + e.Field, Message: e.Reason})
}

// keyCursor marks where the next page begins, after a key.
func keyCursor(key string) string { return base64.RawURLEncoding.EncodeToString([]byte("key:" + key)) }

func parseKeyCursor(text string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	key, ok := strings.CutPrefix(string(raw), "key:")
	switch {
	case text == "":
		return "", nil
	case err != nil || !ok || !utf8.ValidString(key) || strings.ContainsRune(key, 0):
		return "", huma.Error400BadRequest("the cursor is not one that a page has given; leave it out to begin at the first page")
	}
	return key, nil
}

// pageOf cuts off the one more than limit that was asked for, and returns the
// cursor of the next page.
func pageOf[T any](list []T, limit int, key func(T) string) ([]T, string) {
	if len(list) <= limit {
		return append([]T{}, list...), ""
	}
	return list[:limit], keyCursor(key(list[limit-1]))
}

// UserOutput answers with a user.
type UserOutput struct {
	ETag string `header:"ETag"`
	Body identity.User
}

type usersOutput struct {
	Body struct {
		Users      []identity.User `json:"users"`
		NextCursor string          `json:"next_cursor,omitempty" doc:"Not there on the last page."`
	}
}

type newUserInput struct {
	Body struct {
		Name        string        `json:"name" doc:"Small letters, digits and . _ @ + -. It never changes."`
		DisplayName string        `json:"display_name,omitempty"`
		Email       string        `json:"email,omitempty"`
		Role        identity.Role `json:"role" enum:"viewer,responder,editor,admin"`
		Language    string        `json:"language,omitempty" doc:"en, zh, or nothing for what the browser prefers."`
		Password    string        `json:"password,omitempty" writeOnly:"true" doc:"Without one the user chooses it by a link, or signs in by OIDC."`
	}
}

// UserInput names a user.
type UserInput struct {
	Name string `path:"name" maxLength:"64"`
}

type userChangeInput struct {
	UserInput
	IfMatch string `header:"If-Match" doc:"Only where the user still has this ETag."`
	Body    struct {
		DisplayName *string        `json:"display_name,omitempty"`
		Email       *string        `json:"email,omitempty"`
		Role        *identity.Role `json:"role,omitempty" enum:"viewer,responder,editor,admin"`
		Language    *string        `json:"language,omitempty"`
		Disabled    *bool          `json:"disabled,omitempty" doc:"Whoever is disabled is signed out, and their tokens are not taken."`
		Subject     *string        `json:"subject,omitempty" doc:"Who it is at the OIDC provider: the issuer, a space, and the subject there; empty for nobody."`
	}
}

type linkOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		URL string `json:"url" doc:"Whoever opens it may use it, once. It is shown this once."`
		identity.Link
	}
}

func (a *API) users(in Accounts, door Door) {
	const tag = "Users"
	huma.Register(a.huma, operation("list-users", http.MethodGet, "/users", tag, "Users, by name", http.StatusBadRequest),
		func(ctx context.Context, i *struct{ Page }) (*usersOutput, error) {
			after, err := parseKeyCursor(i.Cursor)
			if err != nil {
				return nil, err
			}
			list, err := in.Users(ctx, after, i.Limit+1)
			if err != nil {
				return nil, a.accountFailure(ctx, "listing users", err)
			}
			o := &usersOutput{}
			o.Body.Users, o.Body.NextCursor = pageOf(list, i.Limit, func(u identity.User) string { return u.Name })
			return o, nil
		})
	created := operation("create-user", http.MethodPost, "/users", tag, "Make a user", http.StatusConflict, http.StatusUnprocessableEntity)
	created.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, created, func(ctx context.Context, i *newUserInput) (*UserOutput, error) {
		b := &i.Body
		u, err := in.CreateUser(ctx, door.Who(ctx).Actor, identity.User{Name: b.Name, DisplayName: b.DisplayName, Email: b.Email, Role: b.Role, Language: b.Language}, b.Password)
		return a.user(ctx, u, err)
	})
	huma.Register(a.huma, operation("get-user", http.MethodGet, "/users/{name}", tag, "A user", http.StatusNotFound),
		func(ctx context.Context, i *UserInput) (*UserOutput, error) {
			u, err := in.User(ctx, i.Name)
			return a.user(ctx, u, err)
		})
	huma.Register(a.huma, operation("change-user", http.MethodPatch, "/users/{name}", tag, "Change a user; what is left out stays", http.StatusNotFound, http.StatusConflict, http.StatusPreconditionFailed, http.StatusUnprocessableEntity),
		func(ctx context.Context, i *userChangeInput) (*UserOutput, error) {
			version, err := parseETag(i.IfMatch)
			if err != nil {
				return nil, err
			}
			u, err := in.UpdateUser(ctx, door.Who(ctx).Actor, i.Name, version, identity.UserChange(i.Body))
			return a.user(ctx, u, err)
		})
	huma.Register(a.huma, operation("set-password", http.MethodPut, "/users/{name}/password", tag, "Give a user a password; they are signed out", http.StatusNotFound, http.StatusUnprocessableEntity),
		func(ctx context.Context, i *struct {
			UserInput
			Body struct {
				Password string `json:"password" writeOnly:"true"`
			}
		},
		) (*struct{}, error) {
			if err := in.SetPassword(ctx, door.Who(ctx).Actor, i.Name, i.Body.Password, ""); err != nil {
				return nil, a.accountFailure(ctx, "setting a password", err)
			}
			return nil, nil
		})
	invited := operation("invite", http.MethodPost, "/invitations", tag, "A one-time link by which a user chooses a password, or, without a user, somebody becomes an administrator; valid for a day", http.StatusNotFound)
	invited.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, invited, func(ctx context.Context, i *struct {
		Body struct {
			User string `json:"user,omitempty" maxLength:"64"`
		}
	},
	) (*linkOutput, error) {
		secret, l, err := in.CreateLink(ctx, door.Who(ctx).Actor, i.Body.User)
		if err != nil {
			return nil, a.accountFailure(ctx, "making a link", err)
		}
		o := &linkOutput{CacheControl: noStore}
		o.Body.URL, o.Body.Link = door.LinkURL(secret), l
		return o, nil
	})
}

// noStore keeps a secret out of caches.
const noStore = "no-store"

func (a *API) user(ctx context.Context, u identity.User, err error) (*UserOutput, error) {
	if err != nil {
		return nil, a.accountFailure(ctx, "the user", err)
	}
	return &UserOutput{ETag: etag(u.Version), Body: u}, nil
}

type tokensOutput struct {
	Body struct {
		Tokens     []identity.Token `json:"tokens"`
		NextCursor string           `json:"next_cursor,omitempty" doc:"Not there on the last page."`
	}
}

type secretOutput struct {
	CacheControl string `header:"Cache-Control"`
	Body         struct {
		Secret string         `json:"secret" doc:"What to send as: Authorization: Bearer SECRET. It is shown this once."`
		Token  identity.Token `json:"token"`
	}
}

// TokenInput names a token.
type TokenInput struct {
	ID string `path:"id" maxLength:"129" doc:"Its id, or its name."`
}

func (a *API) tokens(in Accounts, door Door) {
	const tag = "Tokens"
	huma.Register(a.huma, operation("list-tokens", http.MethodGet, "/tokens", tag, "Tokens that are valid, by id", http.StatusBadRequest),
		func(ctx context.Context, i *struct {
			Page
			All bool `query:"all" doc:"Those that have ended in the last 90 days, too."`
		},
		) (*tokensOutput, error) {
			after, err := parseKeyCursor(i.Cursor)
			if err != nil {
				return nil, err
			}
			list, err := in.Tokens(ctx, i.All, after, i.Limit+1)
			if err != nil {
				return nil, a.accountFailure(ctx, "listing tokens", err)
			}
			o := &tokensOutput{}
			o.Body.Tokens, o.Body.NextCursor = pageOf(list, i.Limit, func(t identity.Token) string { return t.ID })
			return o, nil
		})
	created := operation("create-token", http.MethodPost, "/tokens", tag, "Make a token", http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity)
	created.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, created, func(ctx context.Context, i *struct {
		Body struct {
			Name      string    `json:"name"`
			User      string    `json:"user,omitempty" doc:"Whose it is; left out for an agent's."`
			Scopes    []string  `json:"scopes" doc:"read, ingest, respond, change or admin, or a role. An agent that only sends needs ingest."`
			ExpiresAt time.Time `json:"expires_at,omitzero" doc:"Left out, it does not expire."`
		}
	},
	) (*secretOutput, error) {
		secret, t, err := in.CreateToken(ctx, door.Who(ctx).Actor, identity.NewToken(i.Body))
		return a.shown(ctx, secret, t, err)
	})
	rotated := operation("rotate-token", http.MethodPost, "/tokens/{id}/rotate", tag, "Make a token beside an old one, which ends after an overlap", http.StatusNotFound, http.StatusConflict, http.StatusUnprocessableEntity)
	rotated.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, rotated, func(ctx context.Context, i *struct {
		TokenInput
		Body struct {
			OverlapSeconds int64     `json:"overlap_seconds" minimum:"0" maximum:"31536000" doc:"How long the old one stays valid."`
			ExpiresAt      time.Time `json:"expires_at,omitzero" doc:"Left out, the new one lasts as long as the old one was to."`
		}
	},
	) (*secretOutput, error) {
		secret, t, err := in.RotateToken(ctx, door.Who(ctx).Actor, i.ID, time.Duration(i.Body.OverlapSeconds)*time.Second, i.Body.ExpiresAt)
		return a.shown(ctx, secret, t, err)
	})
	huma.Register(a.huma, operation("revoke-token", http.MethodDelete, "/tokens/{id}", tag, "End a token at once; by name, all that overlap", http.StatusNotFound),
		func(ctx context.Context, i *TokenInput) (*tokensOutput, error) {
			ended, err := in.RevokeToken(ctx, door.Who(ctx).Actor, i.ID)
			return a.listed(ctx, "revoking a token", ended, err)
		})
}

// shown answers with the secret of a token that has been made.
func (a *API) shown(ctx context.Context, secret string, t identity.Token, err error) (*secretOutput, error) {
	if err != nil {
		return nil, a.accountFailure(ctx, "the token", err)
	}
	o := &secretOutput{CacheControl: noStore}
	o.Body.Secret, o.Body.Token = secret, t
	return o, nil
}

// listed answers with tokens, all on one page.
func (a *API) listed(ctx context.Context, what string, tokens []identity.Token, err error) (*tokensOutput, error) {
	if err != nil {
		return nil, a.accountFailure(ctx, what, err)
	}
	o := &tokensOutput{}
	o.Body.Tokens = append([]identity.Token{}, tokens...)
	return o, nil
}

type auditOutput struct {
	Body struct {
		Entries    []identity.AuditRow `json:"entries"`
		NextCursor string              `json:"next_cursor,omitempty" doc:"Not there on the last page."`
	}
}

func (a *API) audit(in Accounts) {
	huma.Register(a.huma, operation("list-audit", http.MethodGet, "/audit", "Audit", "Who changed what, newest first", http.StatusBadRequest),
		func(ctx context.Context, i *struct {
			Page
			Actor  string    `query:"actor" doc:"Only by this user or token."`
			Action string    `query:"action" doc:"Only this action, or those that begin with it where it ends with a dot, such as user."`
			Target string    `query:"target" doc:"Only to this, such as user/anna, or to those that begin with it where it ends with a slash."`
			From   time.Time `query:"from"`
			To     time.Time `query:"to" doc:"Before this."`
		},
		) (*auditOutput, error) {
			before, err := parseKeyCursor(i.Cursor)
			if err != nil {
				return nil, err
			}
			list, err := in.Entries(ctx, identity.AuditQuery{Actor: i.Actor, Action: i.Action, Target: i.Target, Since: i.From, Until: i.To, Before: before, Limit: i.Limit + 1})
			if err != nil {
				return nil, a.accountFailure(ctx, "reading the audit log", err)
			}
			o := &auditOutput{}
			o.Body.Entries, o.Body.NextCursor = pageOf(list, i.Limit, func(r identity.AuditRow) string { return r.ID })
			return o, nil
		})
}

// forbidden says who may do it instead.
func forbidden(format string, args ...any) error {
	return huma.Error403Forbidden(fmt.Sprintf(format, args...))
}
