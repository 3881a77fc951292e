package football

import (
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

func TestExpositionIsValid(t *testing.T) {
	var text strings.Builder
	if err := writeExposition(&text); err != nil {
		t.Fatal(err)
	}
	p := expfmt.NewTextParser(model.LegacyValidation)
	families, err := p.TextToMetricFamilies(strings.NewReader(text.String()))
	if err != nil {
		t.Fatal(err)
	}
	if len(families) != len(exported) {
		t.Errorf("%d families, want %d", len(families), len(exported))
	}
	if n := len(families["football_prediction_http_requests_total"].GetMetric()); n != 12 {
		t.Errorf("%d series of http requests, want 12", n)
	}
}
