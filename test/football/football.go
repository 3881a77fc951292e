// Package football holds what the FootballPrediction application exports, and checks over that application's own hand-made
// monitoring files that the lint finds the mistakes in them.
package football

import (
	"fmt"
	"io"
	"strings"
)

// metric is one family that the application exports.
type metric struct {
	name, kind string
	// labels are name=value pairs; a value with | stands for one series for each part.
	labels []string
}

// exported is the list of the application's metrics, with values as it writes them.
var exported = []metric{
	{"football_prediction_http_requests_total", "counter", []string{"method=GET|POST", "endpoint=/predict|/health", "status_code=200|404|500"}},
	{"football_prediction_http_request_duration_seconds", "histogram", []string{"method=GET|POST", "endpoint=/predict|/health"}},
	{"football_prediction_active_connections", "gauge", []string{"connection_type=http"}},
	{"football_predictions_total", "counter", []string{"model_name=xgb", "model_version=3", "predicted_result=home|draw|away"}},
	{"football_prediction_accuracy", "gauge", []string{"model_name=xgb", "model_version=3", "time_window=1h|24h|7d"}},
	{"football_prediction_confidence_score", "histogram", []string{"model_name=xgb", "model_version=3"}},
	{"football_prediction_errors_total", "counter", []string{"model_name=xgb", "model_version=3", "error_type=timeout"}},
	{"football_prediction_ml_inference_duration_seconds", "histogram", []string{"model_name=xgb"}},
	{"football_model_load_duration_seconds", "histogram", []string{"model_name=xgb", "model_version=3"}},
	{"football_model_coverage_rate", "gauge", []string{"model_name=xgb", "model_version=3"}},
	{"active_users", "gauge", nil},
	{"football_data_collection_duration_seconds", "histogram", []string{"data_source=api", "collection_type=odds"}},
	{"football_data_cleaning_total", "counter", []string{"data_type=odds"}},
	{"football_data_cleaning_errors_total", "counter", []string{"data_type=odds", "error_type=parse"}},
	{"football_data_freshness_hours", "gauge", []string{"table_name=matches", "data_type=odds"}},
	{"football_data_quality_score", "gauge", []string{"table_name=matches"}},
	{"football_data_anomalies_detected_total", "counter", []string{"table_name=matches", "anomaly_type=outlier", "detection_method=iqr", "severity=high"}},
	{"football_scheduler_task_delay_seconds", "gauge", []string{"task_name=collect"}},
	{"football_scheduler_task_failures_total", "counter", []string{"task_name=collect", "failure_reason=timeout"}},
	{"football_table_row_count", "gauge", []string{"table_name=matches|teams"}},
	{"football_prediction_db_operations_total", "counter", []string{"operation=select", "table=matches", "status=ok"}},
	{"football_prediction_db_operation_duration_seconds", "histogram", []string{"operation=select", "table=matches"}},
	{"football_prediction_redis_operations_total", "counter", []string{"operation=get", "status=ok"}},
	{"football_database_connections", "gauge", []string{"connection_state=active|idle"}},
	{"football_database_last_backup_timestamp", "gauge", []string{"backup_type=full", "database_name=football"}},
}

// writeExposition writes all metrics in the text format that /metrics of the application answers with.
func writeExposition(w io.Writer) error {
	for _, m := range exported {
		if _, err := fmt.Fprintf(w, "# TYPE %s %s\n", m.name, m.kind); err != nil {
			return err
		}
		for _, set := range labelSets(m.labels) {
			lines := []string{m.name + braces(set) + " 1"}
			if m.kind == "histogram" {
				lines = []string{
					m.name + "_bucket" + braces(append(set[:len(set):len(set)], `le="0.5"`)) + " 1",
					m.name + "_bucket" + braces(append(set[:len(set):len(set)], `le="+Inf"`)) + " 2",
					m.name + "_sum" + braces(set) + " 1.2", m.name + "_count" + braces(set) + " 2",
				}
			}
			if _, err := fmt.Fprintln(w, strings.Join(lines, "\n")); err != nil {
				return err
			}
		}
	}
	return nil
}

func braces(set []string) string {
	if len(set) == 0 {
		return ""
	}
	return "{" + strings.Join(set, ",") + "}"
}

// labelSets expands name=a|b pairs into all combinations, each label written as the text format does.
func labelSets(pairs []string) [][]string {
	sets := [][]string{nil}
	for _, pair := range pairs {
		name, values, _ := strings.Cut(pair, "=")
		var next [][]string
		for _, set := range sets {
			for value := range strings.SplitSeq(values, "|") {
				next = append(next, append(set[:len(set):len(set)], fmt.Sprintf("%s=%q", name, value)))
			}
		}
		sets = next
	}
	return sets
}
