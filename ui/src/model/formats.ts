// The formats of ${variable:format}.
import type { Zone } from '../time/range';
import { formatDate } from './date-format';

export interface FormatInput {
  name: string;
  value: string | string[];
  text: string | string[];
  /** What follows the format's name: "seconds" of date:seconds. */
  args: string;
  zone: Zone;
}

const many = (v: string | string[]): string[] => (Array.isArray(v) ? v : [v]);
const each = (v: string | string[], f: (s: string) => string, join: string): string => many(v).map(f).join(join);
const strict = (s: string): string => encodeURIComponent(s).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);

export const regexEscape = (s: string): string => s.replace(/[\\^$*+?.()|[\]{}/]/g, '\\$&');
const luceneEscape = (s: string): string => s.replace(/([!*+\-=<>\s&|()[\]{}^~?:\\/"])/g, '\\$1');

function lucene(v: string | string[]): string {
  if (!Array.isArray(v)) return luceneEscape(v);
  if (v.length === 0) return '__empty__';
  return `(${v.map((s) => `"${s.replace(/["\\]/g, '\\$&')}"`).join(' OR ')})`;
}

const glob = (v: string | string[]): string => (Array.isArray(v) && v.length > 1 ? `{${v.join(',')}}` : many(v).join(','));

function html(s: string): string {
  const of: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return s.replace(/[&<>"']/g, (c) => of[c]!);
}

const formats: Record<string, (i: FormatInput) => string> = {
  raw: (i) => many(i.value).join(','),
  csv: (i) => many(i.value).join(','),
  join: (i) => many(i.value).join(i.args === '' ? ',' : i.args),
  pipe: (i) => many(i.value).join('|'),
  glob: (i) => glob(i.value),
  json: (i) => JSON.stringify(i.value),
  regex: (i) => (Array.isArray(i.value) && i.value.length > 1 ? `(${i.value.map(regexEscape).join('|')})` : regexEscape(many(i.value).join(''))),
  lucene: (i) => lucene(i.value),
  distributed: (i) => many(i.value).map((v, n) => (n === 0 ? v : `${i.name}=${v}`)).join(','),
  singlequote: (i) => each(i.value, (s) => `'${s.replace(/'/g, "\\'")}'`, ','),
  doublequote: (i) => each(i.value, (s) => `"${s.replace(/"/g, '\\"')}"`, ','),
  sqlstring: (i) => each(i.value, (s) => `'${s.replace(/'/g, "''")}'`, ','),
  percentencode: (i) => strict(glob(i.value)),
  uriencode: (i) => encodeURI(glob(i.value)).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`),
  queryparam: (i) => each(i.value, (s) => `var-${strict(i.name)}=${strict(s)}`, '&'),
  customqueryparam: (i) => {
    const [name = `var-${i.name}`, prefix = ''] = i.args.split(':');
    return each(i.value, (s) => `${strict(name)}=${strict(prefix + s)}`, '&');
  },
  text: (i) => many(i.text).join(' + '),
  html: (i) => html(many(i.value).join(', ')),
  date: (i) => (Number.isFinite(Number(many(i.value)[0])) && many(i.value)[0] !== '' ? formatDate(Number(many(i.value)[0]), i.args, i.zone) : many(i.value).join(',')),
};

/** format writes a value; an unknown format is glob, as for Grafana. */
export function format(name: string, i: FormatInput): string {
  return (Object.hasOwn(formats, name) ? formats[name]! : formats.glob!)(i);
}
