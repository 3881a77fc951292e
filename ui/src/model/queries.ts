// What a panel asks of its sources.
import type { Message } from '../i18n';
import { duration, resolve, resolveTime, type RawRange, type Range } from '../time/range';
import type { DatasourceRef, Panel, Target, TargetFormat, Warning } from './dashboard';
import { interpolate, interpolateQuery, type FilterInto } from './interpolate';
import { atLeast, rateIntervalOf, stepOf } from './interval';
import { clip } from './read';
import type { Scope } from './scope';
import { scrapeOf, type SourceInfo } from './variables';

export interface QueryContext {
  /** Pixels; the number of points that are asked for where the panel does not say. */
  width: number;
  now: number;
  /** From loadFilterInto, where the dashboard has filters. */
  filterInto?: FilterInto;
}

/** One request of Prometheus's API. Equal keys may share an answer. */
export interface PanelRequest {
  key: string;
  refId: string;
  kind: 'range' | 'instant' | 'exemplars';
  /** The source as found: its uid, not a variable. */
  datasource: DatasourceRef;
  expr: string;
  /** Seconds; for instant, end is the moment. */
  start: number;
  end: number;
  step: number;
  /** As written: its variables are filled in before labels are put into it, whose values may look like variables. */
  legendFormat: string;
  format: TargetFormat;
  /** What the column of values of a table is called: "Value", or "Value #A" where there are several tables. */
  valueName: string;
}

export interface PanelQueries {
  requests: PanelRequest[];
  /** Targets that show another panel's data. */
  shared: { refId: string; panelId: number; withTransforms: boolean }[];
  unsupported: { refId: string; datasource: DatasourceRef }[];
  /** The scope with __interval and its like, and the panel's own range. */
  scope: Scope;
  /** Such as "Last 24 hours", where the panel's range is not the dashboard's. */
  timeInfo: Message | undefined;
  warnings: Warning[];
}

const shown = (ref: DatasourceRef): string => ref.uid || ref.type || 'default';

const special = new Set(['-- Mixed --', '-- Dashboard --', '-- Grafana --', 'grafana', '__expr__']);

/** Grafana has sources of several names that speak Prometheus's API. */
export const isPrometheus = (type: string): boolean => type.includes('prometheus');

/** sourceOf finds what a reference means among the sources there are: by uid, by name, by variable, the default. One from elsewhere is answered by the default of its type, marked as a fallback. */
export function sourceOf(ref: DatasourceRef, scope: Scope, sources: readonly SourceInfo[]): SourceInfo | undefined {
  const variable = /^\$\{?(\w+)(?::\w+)?\}?$|^\[\[(\w+)\]\]$/.exec(ref.uid);
  const name = variable?.[1] ?? variable?.[2];
  const c = name !== undefined && Object.hasOwn(scope.values, name) ? scope.values[name] : undefined;
  const uid = interpolate(ref.uid, scope, 'raw');
  if (special.has(uid) || ref.type === 'datasource' || ref.type === '__expr__') return undefined;
  const ofType = (type: string): SourceInfo[] => sources.filter((s) => s.type === type || (isPrometheus(type) && isPrometheus(s.type)));
  const chosen = (list: readonly SourceInfo[]): SourceInfo | undefined => list.find((s) => s.default) ?? list[0];
  if (uid === '' || uid === 'default') {
    const type = ref.type || c?.sourceType || '';
    return type === '' ? chosen(sources) : chosen(ofType(type));
  }
  const found = sources.find((s) => s.uid === uid) ?? sources.find((s) => s.name === uid);
  if (found) return found;
  // A variable that asks for another type has no source of that type here.
  const type = c?.sourceType ?? ref.type;
  const instead = type !== '' ? chosen(ofType(type)) : variable || /prom|mimir|thanos|victoria/i.test(uid) ? chosen(ofType('prometheus')) : undefined;
  return instead && { ...instead, fallback: true };
}

const units: Record<string, Message> = {
  s: { en: 'second', zh: '秒' }, m: { en: 'minute', zh: '分钟' }, h: { en: 'hour', zh: '小时' }, d: { en: 'day', zh: '天' }, w: { en: 'week', zh: '周' }, M: { en: 'month', zh: '个月' }, y: { en: 'year', zh: '年' },
};

function describe(from: string): Message {
  const m = /^now-(\d+)([smhdwMy])$/.exec(from);
  if (!m) return { en: from, zh: from };
  const [n, unit] = [m[1]!, units[m[2]!]!];
  return { en: n === '1' ? `Last ${unit.en}` : `Last ${n} ${unit.en}s`, zh: `最近 ${n} ${unit.zh}` };
}

/** panelRange applies timeFrom and timeShift, which replace and move the dashboard's range where that is relative. */
export function panelRange(panel: Panel, scope: Scope, now: number): { raw: RawRange; range: Range; info: Message | undefined; warnings: Warning[] } {
  let raw = scope.raw;
  let range = scope.range;
  const info: Message[] = [];
  const warnings: Warning[] = [];
  const from = interpolate(panel.timeFrom, scope).trim();
  if (from !== '') {
    const text = from.startsWith('now') ? from : `now-${from}`;
    if (resolveTime(text, now, false, scope.zone) === undefined) {
      warnings.push({ path: `panel ${panel.id}`, en: `timeFrom is no span of time: ${clip(from)}; write 6h or now/d`, zh: `timeFrom 不是时间跨度：${clip(from)}，请写 6h 或 now/d` });
    } else if (scope.raw.from.startsWith('now')) {
      raw = { from: text, to: 'now' };
      // "now/d" is today to its end, as for Grafana.
      if (text.includes('/')) raw.to = text;
      range = resolve(raw, now, scope.zone);
      info.push(describe(text));
    }
  }
  const shift = interpolate(panel.timeShift, scope).trim();
  if (shift !== '') {
    const move = (t: string): string => (t.startsWith('now') ? `now-${shift}${t.slice(3)}` : t);
    const text = `now-${shift}`;
    const ms = duration(shift.split('/')[0]!);
    if (resolveTime(text, now, false, scope.zone) === undefined || ms === undefined) {
      warnings.push({ path: `panel ${panel.id}`, en: `timeShift is no span of time: ${clip(shift)}; write 1d`, zh: `timeShift 不是时间跨度：${clip(shift)}，请写 1d` });
    } else {
      raw = { from: move(raw.from), to: move(raw.to) };
      range = raw.from.startsWith('now') && raw.to.startsWith('now') ? resolve(raw, now, scope.zone) : { from: range.from - ms, to: range.to - ms };
      if (!raw.from.startsWith('now')) raw = { from: String(range.from), to: String(range.to) };
      info.push({ en: `shifted by -${shift}`, zh: `偏移 -${shift}` });
    }
  }
  return { raw, range, info: info.length === 0 ? undefined : { en: info.map((m) => m.en).join(', '), zh: info.map((m) => m.zh).join('，') }, warnings };
}

const isRate = (s: string): boolean => /^\$(__rate_interval|\{__rate_interval\})$/.test(s.trim());
const isStep = (s: string): boolean => /^\$(__interval(_ms)?|\{__interval(_ms)?\})$/.test(s.trim());

interface Steps {
  interval: number;
  rate: number;
  step: number;
}

/**
 * stepsOf follows Grafana: the panel's least step, or the target's own, then the
 * number of points. The window of a rate is of the panel's step and of how often
 * the source scrapes, in whose place a target may write its own step; the panel's
 * least step says nothing about scrapes.
 */
function stepsOf(target: Target, least: number | undefined, scrape: number, points: number, scope: Scope): Steps {
  const range = scope.range.to - scope.range.from;
  const panelInterval = stepOf({ range, maxDataPoints: points, min: least ?? scrape });
  const own = isRate(target.interval) || isStep(target.interval) ? undefined : atLeast(interpolate(target.interval, scope));
  const adjusted = stepOf({ range, maxDataPoints: points, min: own ?? panelInterval });
  const interval = isRate(target.interval) ? rateIntervalOf(adjusted, scrape) : adjusted * target.intervalFactor;
  const rate = isRate(target.interval) ? interval : rateIntervalOf(panelInterval, own ?? (isStep(target.interval) ? interval : scrape));
  return { interval, rate, step: Math.max(Math.round(interval) / 1000, 0.001) };
}

/** queriesOf tells what a panel asks for. find gives the source that a reference means: sourceOf with the sources there are. */
export function queriesOf(panel: Panel, scope: Scope, context: QueryContext, find: (ref: DatasourceRef) => SourceInfo | undefined): PanelQueries {
  const own = panelRange(panel, scope, context.now);
  const scrape = scrapeOf(find(panel.datasource));
  const points = panel.maxDataPoints ?? Math.min(Math.max(Math.round(context.width), 50), 5000);
  const inner: Scope = { ...scope, raw: own.raw, range: own.range };
  const out: PanelQueries = { requests: [], shared: [], unsupported: [], scope: inner, timeInfo: panel.hideTimeOverride ? undefined : own.info, warnings: own.warnings };
  const least = atLeast(interpolate(panel.interval, inner));
  inner.interval = stepOf({ range: own.range.to - own.range.from, maxDataPoints: points, min: least ?? scrape });
  inner.rateInterval = rateIntervalOf(inner.interval, scrape);
  const tables = panel.targets.filter((t) => !t.hide && t.format === 'table' && t.expr !== '').length;
  for (const target of panel.targets) {
    if (target.hide) continue;
    if (target.datasource.uid === '-- Dashboard --') {
      if (target.panelId !== undefined) out.shared.push({ refId: target.refId, panelId: target.panelId, withTransforms: target.withTransforms });
      continue;
    }
    const source = find(target.datasource);
    if (!source || !isPrometheus(source.type)) {
      if (target.expr !== '' || Object.keys(target.raw).length > 1) out.unsupported.push({ refId: target.refId, datasource: source ? { uid: source.uid, type: source.type } : target.datasource });
      continue;
    }
    if (target.expr.trim() === '') continue;
    if (source.fallback) {
      out.warnings.push({ path: `panel ${panel.id}`, en: `there is no data source ${clip(shown(target.datasource))} here; ${source.name} answers instead`, zh: `没有数据源 ${clip(shown(target.datasource))}，由 ${source.name} 代为应答` });
    }
    const steps = stepsOf(target, least, scrapeOf(source), points, inner);
    const filled: Scope = { ...inner, interval: steps.interval, rateInterval: steps.rate };
    let expr: string;
    try {
      expr = interpolateQuery(target.expr, filled, context.filterInto).trim();
    } catch (e) {
      const why = (e as Error).message;
      out.warnings.push({ path: `panel ${panel.id}`, en: `query ${target.refId} was not sent: ${why}`, zh: `查询 ${target.refId} 未发送：${why}` });
      continue;
    }
    const common = { refId: target.refId, datasource: { uid: source.uid, type: source.type }, expr, legendFormat: target.legendFormat, format: target.format, valueName: tables > 1 ? `Value #${target.refId}` : 'Value' };
    const [from, to] = [own.range.from / 1000, own.range.to / 1000];
    // Points of steps that start at a multiple of the step stay where they are from one refresh to the next.
    const aligned = (t: number): number => Number((Math.floor(t / steps.step) * steps.step).toFixed(3));
    const add = (kind: PanelRequest['kind'], start: number, end: number, step: number): void => {
      out.requests.push({ ...common, kind, start, end, step, key: JSON.stringify([source.uid, kind, expr, start, end, step]) });
    };
    if (target.range) add('range', aligned(from), aligned(to), steps.step);
    if (target.instant) add('instant', to, to, 0);
    if (target.exemplar && target.range) add('exemplars', from, to, 0);
  }
  out.warnings = out.warnings.filter((w, i, all) => all.findIndex((x) => x.en === w.en) === i);
  return out;
}
