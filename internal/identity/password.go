package identity

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"

	"github.com/alexedwards/argon2id"

	"touchline.dev/touchline/internal/state"
)

// Bounds of a password, in bytes. NIST SP 800-63B asks for length instead of
// kinds of characters.
const (
	minPassword = 12
	maxPassword = 1024
)

// hashing is what OWASP's cheat sheet on storing passwords asks of argon2id at
// least: 19 MiB, so that a sign-in does not make a small process a large one.
var hashing = &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}

// hasher makes and checks hashes one at a time.
type hasher struct {
	slot    chan struct{}
	nobody  func() (string, error) // hash that no password matches
	key     [32]byte               // of the verdicts below
	mu      sync.Mutex
	correct map[[32]byte]bool // user, hash and password that go together
}

// maxCorrect bounds what is kept of passwords that were right.
const maxCorrect = 1024

func newHasher() *hasher {
	h := &hasher{slot: make(chan struct{}, 1), correct: map[[32]byte]bool{}, nobody: sync.OnceValues(func() (string, error) {
		return argon2id.CreateHash(rand.Text(), hashing)
	})}
	_, _ = rand.Read(h.key[:]) // never fails
	return h
}

func (h *hasher) enter(ctx context.Context) (leave func(), err error) {
	select {
	case h.slot <- struct{}{}:
		return func() { <-h.slot }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (h *hasher) create(ctx context.Context, password string) (string, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return argon2id.CreateHash(password, hashing)
}

// matches compares. Without a hash it takes as long, and fails.
func (h *hasher) matches(ctx context.Context, password, hash string) (bool, error) {
	leave, err := h.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	known := hash != ""
	if !known {
		if hash, err = h.nobody(); err != nil {
			return false, err
		}
	}
	ok, err := argon2id.ComparePasswordAndHash(password, hash)
	return ok && known, err
}

// verdict is the key under which a right password is remembered.
func (h *hasher) verdict(name, hash, password string) (key [32]byte) {
	m := hmac.New(sha256.New, h.key[:])
	for _, part := range []string{name, hash, password} {
		fmt.Fprintf(m, "%d:%s", len(part), part)
	}
	m.Sum(key[:0])
	return key
}

func (h *hasher) remembered(key [32]byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.correct[key]
}

func (h *hasher) remember(key [32]byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for old := range h.correct {
		if len(h.correct) < maxCorrect {
			break
		}
		delete(h.correct, old)
	}
	h.correct[key] = true
}

// hash checks that a password is one to choose, and hashes it.
func (s *Store) hash(ctx context.Context, name, password string) (string, error) {
	switch {
	case len(password) < minPassword:
		return "", invalid("password", "write at least %d characters; a few words that do not belong together are good", minPassword)
	case len(password) > maxPassword:
		return "", invalid("password", "write at most %d bytes", maxPassword)
	case strings.Count(password, password[:1]) == len(password), strings.Contains(strings.ToLower(password), name) && len(password) < len(name)+minPassword/2:
		return "", invalid("password", "this one is easily guessed; a few words that do not belong together are good")
	}
	hash, err := s.hasher.create(ctx, password)
	if err != nil {
		return "", fmt.Errorf("hash password: %w", err)
	}
	return hash, nil
}

// ByPassword finds out whether a user's password is right. Wrong ones are let
// through at the pace of Attempt only.
func (s *Store) ByPassword(ctx context.Context, name, password, remote string) (Account, error) {
	name = UserName(name)
	var a account
	err := s.db.Read(ctx, func(q state.Querier) (err error) {
		a, err = findUser(ctx, q, name)
		if KindOf(err) == NotFound {
			err = nil
		}
		return err
	})
	if err != nil {
		return Account{}, fmt.Errorf("check password: %w", err)
	}
	key := s.hasher.verdict(name, a.hash, password)
	if a.hash != "" && !a.Disabled && s.hasher.remembered(key) {
		s.meet(name, remote)
		return userAccount(a.User, MethodPassword), nil
	}
	settle, err := s.Attempt(ctx, name, remote)
	if err != nil {
		return Account{}, err
	}
	if len(password) > maxPassword {
		return Account{}, s.wrong()
	}
	ok, err := s.hasher.matches(ctx, password, a.hash)
	switch {
	case err != nil:
		settle(false)
		return Account{}, fmt.Errorf("check password: %w", err)
	case !ok:
		return Account{}, s.wrong()
	}
	settle(!a.Disabled)
	if a.Disabled {
		return Account{}, disabled(name)
	}
	s.hasher.remember(key)
	return userAccount(a.User, MethodPassword), nil
}

func (s *Store) wrong() error {
	s.metrics.failed.Inc()
	return refuse(Denied, "user or password is wrong")
}

func disabled(name string) error {
	return refuse(Disabled, "user %q is disabled; ask an administrator", name)
}
