package page

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// Accounts lets people in and out, and keeps their profiles.
type Accounts interface {
	// Viewer is who looks at a page.
	Viewer(ctx context.Context) Viewer
	// HasUsers tells whether anybody could sign in.
	HasUsers(ctx context.Context) (bool, error)
	SignIn(ctx context.Context, name, password, userAgent string) (Entered, error)
	// SignOut also tells whether they signed in at the provider, which would let them
	// in again without asking.
	SignOut(ctx context.Context) (cookie *http.Cookie, there bool, err error)
	// Invited tells what a one-time link is for.
	Invited(ctx context.Context, link string) (Invitation, error)
	Accept(ctx context.Context, link string, c Choice, userAgent string) (Entered, error)
	Profile(ctx context.Context) (Profile, error)
	ChangeProfile(ctx context.Context, p Profile) error
	ChangePassword(ctx context.Context, current, password string) error
	// Provider is the name of an identity provider, "" for none; Leave sends a
	// browser there, and Return lets in whom it has sent back. End is where it signs
	// somebody out, "" for nowhere.
	Provider() string
	End(ctx context.Context) string
	Leave(ctx context.Context, next string) (to string, keep *http.Cookie, err error)
	Return(ctx context.Context, query url.Values, userAgent string) (in Entered, next string, err error)
}

// Viewer is who looks at a page.
type Viewer struct {
	Name     string
	SignedIn bool // by this page, so that they can sign out
	User     bool // has a profile
}

// Entered is somebody who has been let in.
type Entered struct {
	Cookie   *http.Cookie
	Language string // that they have chosen, "" for none
}

// Invitation is what a one-time link is for.
type Invitation struct {
	User string // who chooses a password; "" for somebody who becomes an administrator
}

// Choice is what an invitation is answered with. Only the password counts where
// the invitation names a user.
type Choice struct{ Name, DisplayName, Password, Language string }

// Profile is what a user says about themselves.
type Profile struct {
	Name, Role                   string // not to be changed here
	DisplayName, Email, Language string
	HasPassword                  bool
}

// AccountError is a refusal by Accounts, as far as a page tells them apart.
type AccountError struct {
	Kind  string // a key of accountTexts, or "" for one without a text of its own
	After time.Duration
	Err   error
}

func (e *AccountError) Error() string { return e.Err.Error() }
func (e *AccountError) Unwrap() error { return e.Err }

// accountTexts says what a refusal means for who reads the page.
var accountTexts = map[string]string{
	"wrong":         "User or password is wrong.",
	"current":       "The password until now is not right.",
	"disabled":      "This user is disabled. Ask an administrator.",
	"provider":      "Signing in there did not succeed: %s",
	"provider_away": "The provider does not answer as it should; the server's log says why.",
	"stranger":      "You are not a user here, and none of your groups may sign in. Ask an administrator.",
	"namesake":      "There is such a user already, and a name alone does not prove that it is you. If it is, an administrator says so by: %s",
	"wait":          "Too many wrong passwords. Try again in %s.",
	"link":          "This link is not valid, has been used, or has expired. On the server, touchline users link makes a new one.",
	"taken":         "There is a user of this name already. Choose another.",
	"password":      "Choose a password of at least 12 characters that is not easily guessed; a few words that do not belong together are good.",
	"name":          "Write the name in small letters, digits and . _ @ + -, beginning with a letter or a digit.",
	"email":         "Write the address like anna@example.com.",
	"display_name":  "Write the name to be shown on one line.",
}

func (p *Page) explain(lang string, err error) (text string, known bool) {
	var e *AccountError
	if !errors.As(err, &e) {
		return "", false
	}
	if e.Kind == "wait" {
		wait := span(e.After.Round(time.Second))
		if lang == langChinese {
			wait = chineseUnits.Replace(wait)
		}
		return translate(lang, accountTexts[e.Kind], wait), true
	}
	if text, ok := accountTexts[e.Kind]; ok {
		if e.Kind == "provider" || e.Kind == "namesake" {
			return translate(lang, text, e.Error()), true
		}
		return translate(lang, text), true
	}
	return e.Error(), true
}

// maxForm bounds what a form sends, in bytes.
const maxForm = 64 << 10

func (p *Page) accountRoutes() {
	get := func(pattern string, f handlerFunc) { p.handle("GET "+pattern, f) }
	post := func(pattern string, f handlerFunc) {
		p.handle("POST "+pattern, func(w http.ResponseWriter, r *http.Request) error {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := r.ParseForm(); err != nil {
				return &statusError{code: http.StatusBadRequest, message: "The form cannot be read."}
			}
			return f(w, r)
		})
	}
	get("/ui/login", p.signInForm)
	post("/ui/login", p.signIn)
	if p.accounts.Provider() != "" {
		get("/ui/login/oidc", p.leave)
		get("/ui/login/oidc/callback", p.comeBack)
	}
	post("/ui/logout", p.signOut)
	get("/ui/setup", p.setupForm)
	post("/ui/setup", p.setup)
	get("/ui/profile", p.profileForm)
	post("/ui/profile", p.profile)
}

type signInBody struct {
	Next, Name, Problem string
	Provider            string // that one can sign in at, "" for none
	End                 string // where who has just signed out here signs out there, "" for nowhere
	NoUsers             bool
}

func (p *Page) signInForm(w http.ResponseWriter, r *http.Request) error {
	next := destination(r.URL.Query().Get("next"))
	if p.accounts.Viewer(r.Context()).SignedIn {
		p.redirect(w, r, next)
		return nil
	}
	b := signInBody{Next: next}
	if r.URL.Query().Has("out") && p.accounts.Provider() != "" {
		b.End = p.accounts.End(r.Context())
	}
	return p.showSignIn(w, r, http.StatusOK, b)
}

func (p *Page) showSignIn(w http.ResponseWriter, r *http.Request, code int, b signInBody) error {
	has, err := p.accounts.HasUsers(r.Context())
	if err != nil {
		return err
	}
	b.Provider = p.accounts.Provider()
	b.NoUsers = !has && b.Provider == ""
	v := p.newView(r, "", "Sign in")
	v.Bare, v.Body = true, b
	v.other(url.Values{"next": {b.Next}})
	return p.render(w, "login", code, v)
}

// other leads to the same form in the other language, also from the answer to one
// that was sent.
func (v *view) other(q url.Values) {
	q.Set("lang", v.OtherID)
	v.Other = "?" + q.Encode()
}

func (p *Page) signIn(w http.ResponseWriter, r *http.Request) error {
	b := signInBody{Next: destination(r.PostFormValue("next")), Name: r.PostFormValue("name")}
	in, err := p.accounts.SignIn(r.Context(), b.Name, r.PostFormValue("password"), r.UserAgent())
	if err != nil {
		var known bool
		if b.Problem, known = p.explain(language(r), err); !known {
			return err
		}
		return p.showSignIn(w, r, http.StatusUnprocessableEntity, b)
	}
	p.enter(w, r, in, b.Next)
	return nil
}

func (p *Page) leave(w http.ResponseWriter, r *http.Request) error {
	next := destination(r.URL.Query().Get("next"))
	to, keep, err := p.accounts.Leave(r.Context(), next)
	if err != nil {
		return p.refuseSignIn(w, r, err, next)
	}
	http.SetCookie(w, keep)
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (p *Page) comeBack(w http.ResponseWriter, r *http.Request) error {
	in, next, err := p.accounts.Return(r.Context(), r.URL.Query(), r.UserAgent())
	if err != nil {
		return p.refuseSignIn(w, r, err, "/ui/")
	}
	p.enter(w, r, in, destination(next))
	return nil
}

func (p *Page) refuseSignIn(w http.ResponseWriter, r *http.Request, err error, next string) error {
	b := signInBody{Next: next}
	var known bool
	if b.Problem, known = p.explain(language(r), err); !known {
		return err
	}
	return p.showSignIn(w, r, http.StatusForbidden, b)
}

// enter lets somebody in.
func (p *Page) enter(w http.ResponseWriter, r *http.Request, in Entered, next string) {
	http.SetCookie(w, in.Cookie)
	if in.Language != "" {
		p.setLanguage(w, r, in.Language)
	}
	p.redirect(w, r, next)
}

func (p *Page) redirect(w http.ResponseWriter, r *http.Request, to string) {
	http.Redirect(w, r, p.prefix+to, http.StatusSeeOther)
}

// destination is where to go after signing in: a path of ours, and of nobody else.
func destination(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.IsAbs() || u.Host != "" || u.Opaque != "" || !strings.HasPrefix(u.Path, "/") || strings.ContainsAny(u.Path, "\\\x00") {
		return "/ui/"
	}
	clean := path.Clean(u.Path)
	if strings.HasSuffix(u.Path, "/") && clean != "/" {
		clean += "/"
	}
	if strings.HasPrefix(clean, "/ui/login") || strings.HasPrefix(clean, "/ui/setup") {
		return "/ui/"
	}
	return (&url.URL{Path: clean, RawQuery: u.RawQuery}).String()
}

func (p *Page) signOut(w http.ResponseWriter, r *http.Request) error {
	cookie, there, err := p.accounts.SignOut(r.Context())
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie)
	to := "/ui/login"
	if there {
		to += "?out=1"
	}
	p.redirect(w, r, to)
	return nil
}

type setupBody struct {
	Token, Problem string
	User           string // who chooses a password, "" for a new administrator
	Name, Display  string
}

func (p *Page) setupForm(w http.ResponseWriter, r *http.Request) error {
	return p.showSetup(w, r, http.StatusOK, setupBody{Token: r.URL.Query().Get("token")})
}

func (p *Page) showSetup(w http.ResponseWriter, r *http.Request, code int, b setupBody) error {
	inv, err := p.accounts.Invited(r.Context(), b.Token)
	if err != nil {
		text, known := p.explain(language(r), err)
		if !known {
			return err
		}
		code, b = http.StatusForbidden, setupBody{Problem: text}
	}
	b.User = inv.User
	title := "Become the administrator"
	if b.User != "" {
		title = "Choose a password"
	}
	v := p.newView(r, "", title)
	v.Bare, v.Body = true, b
	v.other(url.Values{"token": {b.Token}})
	return p.render(w, "setup", code, v)
}

func (p *Page) setup(w http.ResponseWriter, r *http.Request) error {
	b := setupBody{Token: r.PostFormValue("token"), Name: r.PostFormValue("name"), Display: r.PostFormValue("display_name")}
	if r.PostFormValue("password") != r.PostFormValue("again") {
		b.Problem = translate(language(r), "The two passwords differ.")
		return p.showSetup(w, r, http.StatusUnprocessableEntity, b)
	}
	in, err := p.accounts.Accept(r.Context(), b.Token, Choice{Name: b.Name, DisplayName: b.Display, Password: r.PostFormValue("password"), Language: language(r)}, r.UserAgent())
	if err != nil {
		var known bool
		if b.Problem, known = p.explain(language(r), err); !known {
			return err
		}
		return p.showSetup(w, r, http.StatusUnprocessableEntity, b)
	}
	p.enter(w, r, in, "/ui/")
	return nil
}

type profileBody struct {
	Profile
	Problem, Done string
}

func (p *Page) profileForm(w http.ResponseWriter, r *http.Request) error {
	return p.showProfile(w, r, http.StatusOK, profileBody{}, language(r))
}

func (p *Page) showProfile(w http.ResponseWriter, r *http.Request, code int, b profileBody, lang string) error {
	if !p.accounts.Viewer(r.Context()).User {
		return &statusError{code: http.StatusForbidden, message: "Only users who have signed in have a profile."}
	}
	var err error
	if b.Profile, err = p.accounts.Profile(r.Context()); err != nil {
		return err
	}
	v := p.newViewIn(lang, r, "profile", "Profile")
	v.Body = b
	return p.render(w, "profile", code, v)
}

func (p *Page) profile(w http.ResponseWriter, r *http.Request) error {
	if !p.accounts.Viewer(r.Context()).SignedIn {
		return &statusError{code: http.StatusForbidden, message: "Only users who have signed in have a profile."}
	}
	b, lang := profileBody{}, language(r)
	var err error
	switch {
	case r.PostForm.Has("password") && r.PostFormValue("password") != r.PostFormValue("again"):
		b.Problem = translate(lang, "The two passwords differ.")
	case r.PostForm.Has("password"):
		err = p.accounts.ChangePassword(r.Context(), r.PostFormValue("current"), r.PostFormValue("password"))
		b.Done = translate(lang, "The password has been changed. Other browsers are signed out.")
	default:
		chosen := r.PostFormValue("language")
		err = p.accounts.ChangeProfile(r.Context(), Profile{DisplayName: r.PostFormValue("display_name"), Email: r.PostFormValue("email"), Language: chosen})
		if err == nil && (chosen == langEnglish || chosen == langChinese) {
			p.setLanguage(w, r, chosen)
			lang = chosen
		}
		b.Done = translate(lang, "The profile has been changed.")
	}
	if err != nil {
		var known bool
		if b.Problem, known = p.explain(lang, err); !known {
			return err
		}
	}
	code := http.StatusOK
	if b.Problem != "" {
		b.Done, code = "", http.StatusUnprocessableEntity
	}
	return p.showProfile(w, r, code, b, lang)
}
