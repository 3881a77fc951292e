import { describe, expect, it } from 'vitest';

import { parse, withoutUID } from './importing';

describe('parse', () => {
  it('finds title and inputs of an export', () => {
    expect(parse('\uFEFF{"title":"T","__inputs":[{"name":"DS_PROM","type":"datasource","pluginId":"prometheus","label":"P"},{"name":"X","type":"constant"},7]}'))
      .toMatchObject({ title: 'T', inputs: [{ name: 'DS_PROM', label: 'P', plugin: 'prometheus' }] });
  });
  it('looks into what wraps a dashboard', () => {
    expect(parse('{"dashboard":{"title":"A"}}')).toMatchObject({ title: 'A' });
    expect(parse('{"apiVersion":"dashboard.grafana.app/v2","spec":{"title":"B"}}')).toMatchObject({ title: 'B' });
  });
  it.each([['', 'empty'], ['[]', 'object'], ['3', 'object'], ['{"a":', 'syntax'], ['x'.repeat((10 << 20) + 1), 'large']])('refuses what is none', (text, error) => expect(parse(text)).toMatchObject({ error }));
});

describe('withoutUID', () => {
  it('takes names that are taken away, wherever they stand', () => {
    expect(withoutUID({ uid: 'u', id: 3, title: 't' })).toEqual({ title: 't' });
    expect(withoutUID({ dashboard: { uid: 'u', title: 't' } })).toEqual({ dashboard: { title: 't' } });
    expect(withoutUID({ metadata: { name: 'u', labels: {} }, spec: {} })).toEqual({ metadata: { labels: {} }, spec: {} });
  });
});
