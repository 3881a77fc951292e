// Conditions of schema v2: what has to hold for a row, a tab or a panel to be shown.
import { duration } from '../time/range';
import type { Condition } from './dashboard';
import { valuesOf } from './interpolate';
import { object, objects, text, texts, type Json } from './read';
import { isSafe, safeRegex } from './regex';
import { allKey, type Scope } from './scope';

/** holds tells whether all groups do. */
export const holds = (groups: readonly Condition[], scope: Scope): boolean => groups.every((g) => groupHolds(object(g.spec), scope));

/** groupHolds leaves out what cannot be judged; a group without anything else shows what it is about. */
function groupHolds(g: Json, scope: Scope): boolean {
  const known = objects(g.items).map(([item]) => judge(text(item.kind), object(item.spec), scope)).filter((x) => x !== undefined);
  if (known.length === 0) return true;
  const hit = g.condition === 'or' ? known.includes(true) : !known.includes(false);
  return g.visibility === 'hide' ? !hit : hit;
}

/** isData tells a condition that is about the data of what it shows, which is not judged. */
export const isData = (item: Json): boolean => !['ConditionalRenderingVariable', 'ConditionalRenderingTimeRangeSize'].includes(text(item.kind));

function judge(kind: string, c: Json, scope: Scope): boolean | undefined {
  switch (kind) {
    case 'ConditionalRenderingVariable':
      return variable(c, scope);
    case 'ConditionalRenderingTimeRangeSize': {
      const most = duration(text(c.value));
      return most === undefined ? undefined : scope.range.to - scope.range.from <= most;
    }
    default:
      return undefined;
  }
}

function variable(c: Json, scope: Scope): boolean | undefined {
  const name = text(c.variable);
  const operator = text(c.operator);
  const wanted = text(c.value);
  const scoped = scope.scoped && Object.hasOwn(scope.scoped, name) ? scope.scoped[name] : undefined;
  const current = Object.hasOwn(scope.values, name) ? scope.values[name] : undefined;
  if (!scoped && !current) return undefined;
  const values = texts(scoped ? scoped.value : valuesOf(current!, scope));
  let hit: boolean;
  if (operator === 'matches' || operator === 'notMatches') {
    // Flags at the beginning, as Go writes them, are flags of the whole here.
    const flags = /^\(\?([ims]+)\)/.exec(wanted);
    const re = safeRegex(flags ? `/${wanted.slice(flags[0].length)}/${flags[1]!}` : wanted);
    if (!isSafe(re)) return true;
    hit = (values.length > 0 ? values : ['']).some((v) => v.length <= re.mostInput && v.search(re.re) >= 0);
  } else {
    const all = !scoped && current!.value.includes(allKey) && wanted.toLowerCase() === 'all';
    hit = all || values.includes(wanted) || (values.length === 0 && wanted === '');
  }
  return operator === 'notEquals' || operator === 'notMatches' ? !hit : hit;
}
