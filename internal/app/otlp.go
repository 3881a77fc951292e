package app

import (
	"context"
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"

	"touchline.dev/touchline/internal/httpserver"
)

// streamsPerConnection is how many calls one connection may have under way.
const streamsPerConnection = 64

// newGRPC makes the OTLP server. Its calls pass the same access rules as
// requests over HTTP, and share their budget of memory; services that are not
// registered answer UNIMPLEMENTED.
func (a *App) newGRPC() *grpc.Server {
	return grpc.NewServer(
		grpc.MaxRecvMsgSize(int(a.c.Remote.WriteMaxBody)),
		grpc.MaxConcurrentStreams(streamsPerConnection),
		grpc.InTapHandle(a.admitCall),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			if c, ok := ctx.Value(callKey{}).(call); ok {
				c.received() // from here on it counts as any request does
			}
			return handler(ctx, req)
		}),
	)
}

// call is one call whose message is being received.
type call struct{ received func() }

type callKey struct{}

// admitCall decides about a call before its message is read: nothing of a
// stranger's message is kept, and those that are under way cannot take more
// memory together than all receiving may.
func (a *App) admitCall(ctx context.Context, info *tap.Info) (context.Context, error) {
	var remote net.Addr = &net.TCPAddr{}
	if p, ok := peer.FromContext(ctx); ok {
		remote = p.Addr
	}
	if _, err := a.server.AuthorizeRPC(ctx, remote, first(info.Header, ":authority"), first(info.Header, "authorization"), httpserver.Ingest); err != nil {
		code := codes.Unauthenticated
		if errors.Is(err, httpserver.ErrForbidden) {
			code = codes.PermissionDenied
		}
		return ctx, status.Error(code, err.Error())
	}
	if x := a.remote.metrics; x != nil {
		return ctx, status.Error(codes.Unimplemented, x.NotTaken())
	}
	release, err := a.engine.Receive(2 * a.c.Remote.WriteMaxBody) // as sent and decompressed
	if err != nil {
		return ctx, status.Error(codes.Unavailable, err.Error()) // senders try again
	}
	release = sync.OnceFunc(release)
	ctx, cancel := context.WithTimeout(ctx, a.c.Web.ReadTimeout)
	context.AfterFunc(ctx, func() { cancel(); release() }) // the call has ended, or its message has not come in time
	return context.WithValue(ctx, callKey{}, call{received: release}), nil
}

func first(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}
