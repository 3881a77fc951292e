package metrics

// The server takes every discovery plugin that the checker takes.
import _ "touchline.dev/touchline/internal/metrics/discovery"
