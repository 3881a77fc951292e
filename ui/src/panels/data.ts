// The one door through which panels reach @grafana/data, so that what they use
// of it is seen in one place and it stays out of every other chunk.
export {
  FieldType, formattedValueToString, getActiveThreshold, getDisplayProcessor, getFieldColorModeForField, getFieldDisplayName, getFieldDisplayValues,
  getFieldSeriesColor, getScaleCalculator, getValueFormat, getValueFormats, fieldReducers, reduceField, renderMarkdown, ThresholdsMode,
} from '@grafana/data';
export type {
  DataFrame, DisplayProcessor, DisplayValue, Field, FieldConfig, FieldConfigSource, FieldDisplay, GrafanaTheme2, LinkModel, Threshold, ThresholdsConfig,
} from '@grafana/data';
