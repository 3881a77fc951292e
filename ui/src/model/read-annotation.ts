import { refOf } from './read-datasource';
import type { AnnotationQuery } from './dashboard';
import { flag, isObject, list, num, object, objects, text, type Json } from './read';

export function readAnnotation(a: Json, path: string): AnnotationQuery {
  const target = object(a.target);
  const filter = isObject(a.filter) ? a.filter : undefined;
  return {
    name: text(a.name, path),
    enable: flag(a.enable, true),
    hide: flag(a.hide),
    builtIn: a.builtIn === 1 || a.builtIn === true,
    color: text(a.iconColor),
    datasource: refOf(a.datasource),
    expr: text(a.expr) || text(target.expr) || text(a.query),
    step: text(a.step) || text(target.interval),
    titleFormat: text(a.titleFormat),
    textFormat: text(a.textFormat),
    tagKeys: text(a.tagKeys),
    useValueForTime: a.useValueForTime === true || a.useValueForTime === 'on',
    panels: filter ? { exclude: flag(filter.exclude), ids: list(filter.ids).flatMap((x) => num(x) ?? []) } : undefined,
    raw: a,
  };
}

/** Schema 6 and older had their annotations among the "pulldowns", beside the variables' bar. */
export function oldAnnotation(raw: Json): AnnotationQuery[] {
  return objects(raw.pulldowns)
    .filter(([p]) => p.type === 'annotations')
    .flatMap(([p]) => objects(p.annotations).map(([a, i]) => readAnnotation(a, `annotation ${i + 1}`)));
}
