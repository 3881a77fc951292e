// What a dashboard's regular expressions may do before @grafana/data gets them:
// the package compiles them itself, and tries them on texts of any length.
import { FieldType, type DataFrame, type Field, type FieldConfigSource } from '@grafana/data';

import type { Message } from '../i18n';
import type { Warning } from '../model/dashboard';
import { clip, isObject } from '../model/read';
import { isSafe, safeRegex } from '../model/regex';

/** Gives the length of the longest text that an expression may be tried on. */
export type Longest = () => number;

const lengthOf = (v: unknown): number => (typeof v === 'string' ? v.length : 0);

/** nameLength is how long the name of a series can be at most, in whichever way the package makes it. */
function nameLength(field: Field, frame: DataFrame): number {
  const labels = Object.entries(field.labels ?? {}).reduce((n, [k, v]) => n + k.length + lengthOf(v) + '="", '.length, 2);
  return Math.max(lengthOf(frame.name) + field.name.length + labels, lengthOf(field.config.displayName), lengthOf(field.config.displayNameFromDS), lengthOf(field.state?.displayName));
}

/** longestIn measures the names and the texts of frames, once and only where somebody asks. */
export function longestIn(frames: readonly DataFrame[]): Longest {
  let known: number | undefined;
  return () => {
    if (known === undefined) {
      known = 0;
      for (const frame of frames) {
        for (const field of frame.fields) {
          known = Math.max(known, nameLength(field, frame));
          if (field.type === FieldType.number || field.type === FieldType.time) continue;
          for (const v of field.values as unknown[]) if (typeof v === 'string' && v.length > known) known = v.length;
        }
      }
    }
    return known;
  };
}

/** refused says why the package must not get an expression. A bare one has to match the whole of a text there. */
function refused(pattern: string, longest: Longest): Message | undefined {
  const r = safeRegex(pattern, 'whole');
  const shown = clip(pattern, 40);
  if (!isSafe(r)) return { en: `${shown}: ${r.en}`, zh: `${shown}：${r.zh}` };
  const n = longest();
  if (n <= r.mostAsWritten) return undefined;
  return { en: `${shown}: it could take forever on texts of more than ${r.mostAsWritten} characters, and here is one of ${n}; begin it with ^, or write fewer repetitions`, zh: `${shown}：文本超过 ${r.mostAsWritten} 个字符时可能耗时过长，而此处有 ${n} 个字符的文本；请以 ^ 开头，或减少重复` };
}

/** Names under which options keep regular expressions. */
const regexKeys = new Set(['regex', 'pattern', 'regExp', 'fieldRegex', 'include', 'exclude']);

/** unsafeIn finds a regular expression in options that could freeze the page. */
export function unsafeIn(v: unknown, longest: Longest, key = '', depth = 0): Message | undefined {
  if (depth > 12) return { en: 'options nest too deep', zh: '选项嵌套过深' };
  if (typeof v === 'string') return regexKeys.has(key) ? refused(v, longest) : undefined;
  if (typeof v !== 'object' || v === null) return undefined;
  if (isObject(v)) {
    const found = inMatcher(v, longest);
    if (found) return found;
  }
  for (const [k, x] of Object.entries(v)) {
    const found = unsafeIn(x, longest, Array.isArray(v) ? key : k, depth + 1);
    if (found) return found;
  }
  return undefined;
}

/** Matchers keep theirs under "options", beside the id that says so; those of frames are told by their slash. */
function inMatcher(v: Record<string, unknown>, longest: Longest): Message | undefined {
  const byRegex = /regex/i.test(String(v.id));
  if (typeof v.options === 'string') return byRegex || v.options.startsWith('/') ? refused(v.options, longest) : undefined;
  // That of values is compiled as it is, with slashes and all.
  const value = isObject(v.options) ? v.options.value : undefined;
  return byRegex && typeof value === 'string' ? refused(`/${value}/`, longest) : undefined;
}

/** safeConfig leaves out overrides and mappings whose regular expression could freeze the page. Where all are well it is what it was given. */
export function safeConfig(source: FieldConfigSource, longest: Longest, warnings: Warning[] = []): FieldConfigSource {
  const bad = (v: unknown, en: string, zh: string): boolean => {
    const found = unsafeIn(v, longest);
    if (found) warnings.push({ path: 'fieldConfig', en: `${en} was left out: ${found.en}`, zh: `已跳过${zh}：${found.zh}` });
    return found !== undefined;
  };
  const overrides = source.overrides.filter((o) => !bad(o, 'an override', '一条覆盖规则'));
  const mappings = source.defaults.mappings?.filter((m) => m.type !== 'regex' || !bad(m.options, 'a mapping', '一条值映射'));
  if (overrides.length === source.overrides.length && mappings?.length === source.defaults.mappings?.length) return source;
  return { defaults: { ...source.defaults, ...(mappings ? { mappings } : {}) }, overrides };
}

/** safeFields gives the expression that chooses fields to reduce, or none where it could freeze the page: then the numbers are shown. */
export function safeFields(fields: string, longest: Longest, warnings: Warning[] = []): string {
  const found = fields === '' ? undefined : refused(fields, longest);
  if (!found) return fields;
  warnings.push({ path: 'reduceOptions.fields', en: `the choice of fields was left out: ${found.en}`, zh: `已忽略字段选择：${found.zh}` });
  return '';
}
