package app

import (
	"context"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"touchline.dev/touchline/internal/httpserver"
)

// newGRPC makes the OTLP server. Its calls pass the same access rules as
// requests over HTTP; services that are not registered answer UNIMPLEMENTED.
func (a *App) newGRPC() *grpc.Server {
	return grpc.NewServer(
		grpc.MaxRecvMsgSize(int(a.c.Remote.WriteMaxBody)),
		grpc.UnaryInterceptor(func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (any, error) {
			var remote net.Addr = &net.TCPAddr{}
			if p, ok := peer.FromContext(ctx); ok {
				remote = p.Addr
			}
			md, _ := metadata.FromIncomingContext(ctx)
			if _, err := a.server.AuthorizeRPC(ctx, remote, first(md, ":authority"), first(md, "authorization"), httpserver.Ingest); err != nil {
				return nil, status.Error(codes.Unauthenticated, err.Error())
			}
			return handler(ctx, req)
		}),
	)
}

func first(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}
