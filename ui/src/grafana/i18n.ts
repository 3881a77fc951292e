// Stands in for @grafana/i18n: the texts of the package's own editors are never
// shown here, and its translation runtime is larger than the console's shell.

type Values = Record<string, unknown> | undefined;

function fill(text: string, values: Values): string {
  return values ? text.replace(/\{\{\s*([\w.]+)\s*\}\}/g, (_, key: string) => String(values[key] ?? '')) : text;
}

export const t = (id: string, text?: string, values?: Values): string => fill(text ?? id, values);
export const Trans = (props: { children?: unknown }): unknown => props.children ?? null;
export const formatDate = (value: number | string | Date, format?: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(undefined, format).format(new Date(value));
export const formatDateRange = (from: number | Date, to: number | Date, format?: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat(undefined, format).formatRange(new Date(from), new Date(to));
export const formatDuration = (duration: unknown): string => String(duration);
export const initPluginTranslations = async (): Promise<{ language: string }> => ({ language: 'en-US' });
export const LANGUAGES: unknown[] = [];
export const DEFAULT_LANGUAGE = 'en-US';
