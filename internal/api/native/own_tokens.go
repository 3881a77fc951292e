package native

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"touchline.dev/touchline/internal/identity"
)

// ownTokens registers what people do with tokens of their own.
func (a *API) ownTokens(in Accounts, door Door) {
	const tag = "Me"
	huma.Register(a.huma, operation("list-my-tokens", http.MethodGet, "/me/tokens", tag, "One's own tokens that are valid, the newest first"),
		func(ctx context.Context, _ *struct{}) (*tokensOutput, error) {
			p := door.Who(ctx)
			if !p.User {
				return nil, noProfile(p)
			}
			own, err := in.OwnTokens(ctx, p.Name)
			return a.listed(ctx, "listing tokens", own, err)
		})
	created := operation("create-my-token", http.MethodPost, "/me/tokens", tag, "Make a token of one's own; a token cannot", http.StatusConflict, http.StatusUnprocessableEntity)
	created.DefaultStatus = http.StatusCreated
	huma.Register(a.huma, created, func(ctx context.Context, i *struct {
		Body struct {
			Name      string    `json:"name" doc:"What it is for. The token is called by the user, a slash, and this."`
			Scopes    []string  `json:"scopes" doc:"read, ingest, respond, change or admin, or a role; no more than the user may."`
			ExpiresAt time.Time `json:"expires_at,omitzero" doc:"Within 366 days; left out, in 90 days."`
		}
	},
	) (*secretOutput, error) {
		p, err := inPerson(ctx, door)
		if err != nil {
			return nil, err
		}
		secret, t, err := in.CreateOwnToken(ctx, p.Actor, identity.NewToken{Name: i.Body.Name, Scopes: i.Body.Scopes, ExpiresAt: i.Body.ExpiresAt})
		return a.shown(ctx, secret, t, err)
	})
	huma.Register(a.huma, operation("revoke-my-token", http.MethodDelete, "/me/tokens/{id}", tag, "End a token of one's own at once; a token can only end itself", http.StatusNotFound),
		func(ctx context.Context, i *TokenInput) (*tokensOutput, error) {
			p := door.Who(ctx)
			switch {
			case !p.User:
				return nil, noProfile(p)
			case p.Method == identity.MethodToken && i.ID != p.Token:
				return nil, forbidden("a token may end itself only, by its id; sign in to end another one")
			}
			ended, err := in.RevokeOwnToken(ctx, p.Actor, i.ID)
			return a.listed(ctx, "revoking a token", ended, err)
		})
}
