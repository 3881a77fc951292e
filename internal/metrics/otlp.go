package metrics

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	collectormetrics "go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// RegisterOTLP adds the OTLP metrics service to a gRPC server. Requests take
// the same way as those over HTTP, so both answer alike.
func (e *Engine) RegisterOTLP(s *grpc.Server) {
	collectormetrics.RegisterGRPCServer(s, &otlpMetrics{h: e.Handler()})
}

type otlpMetrics struct {
	collectormetrics.UnimplementedGRPCServer
	h http.Handler
}

// Export takes one batch. Partial success is an error of the whole batch, as
// it is over HTTP: the sender must not retry what can never be stored.
func (o *otlpMetrics) Export(ctx context.Context, req collectormetrics.ExportRequest) (collectormetrics.ExportResponse, error) {
	raw, err := req.MarshalProto()
	if err != nil {
		return collectormetrics.NewExportResponse(), status.Error(codes.InvalidArgument, err.Error())
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/otlp/v1/metrics", bytes.NewReader(raw))
	if err != nil {
		return collectormetrics.NewExportResponse(), status.Error(codes.Internal, err.Error())
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	w := &answer{header: http.Header{}, code: http.StatusOK}
	o.h.ServeHTTP(w, r)
	if w.code/100 == 2 {
		return collectormetrics.NewExportResponse(), nil
	}
	msg := strings.TrimSpace(w.body.String())
	switch {
	case w.code == http.StatusRequestEntityTooLarge:
		return collectormetrics.NewExportResponse(), status.Error(codes.ResourceExhausted, msg)
	case w.code/100 == 4:
		return collectormetrics.NewExportResponse(), status.Error(codes.InvalidArgument, msg)
	default:
		return collectormetrics.NewExportResponse(), status.Error(codes.Unavailable, msg)
	}
}

// answer collects what a handler writes.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }
