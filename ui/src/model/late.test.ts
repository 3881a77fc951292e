import { beforeEach, expect, it, vi } from 'vitest';

// The setup of the tests has loaded the readers; the modules here are others that have not.
beforeEach(() => { vi.resetModules(); });

const fresh = async () => ({ ...await import('./normalize'), ...await import('./late') });
const of = (panel: object): object => ({ title: 't', schemaVersion: 42, panels: [{ id: 1, ...panel }] });

it.each([
  ['a graph', of({ type: 'graph' }), 'timeseries'], ['a singlestat', of({ type: 'singlestat' }), 'stat'], ['an old table', of({ type: 'table', styles: [] }), 'table'], ['an old stat', of({ type: 'stat', options: { fieldOptions: {} } }), 'stat'],
  ['rows', { title: 't', rows: [{ panels: [{ id: 1, type: 'text' }] }] }, 'text'],
  ['schema 2', { title: 't', elements: { a: { kind: 'Panel', spec: { id: 1, title: 'x', vizConfig: { kind: 'text', spec: {} } } } }, layout: { kind: 'GridLayout', spec: { items: [{ kind: 'GridLayoutItem', spec: { x: 0, y: 0, width: 8, height: 4, element: { kind: 'ElementReference', name: 'a' } } }] } } }, 'text'],
])('loads what reads %s when it is first read', async (_, json, type) => {
  const { normalize, whenRead } = await fresh();
  expect(normalize(json).warnings.map((w) => w.en).join()).toContain('not loaded');
  const d = await whenRead(() => normalize(json));
  expect(d.panels.map((p) => p.type)).toEqual([type]);
  expect(d.warnings.filter((w) => w.en.includes('not loaded'))).toEqual([]);
});

it('reads what is of today once, and loads nothing for it', async () => {
  const { normalize, old, whenRead } = await fresh();
  const read = vi.fn(() => normalize(of({ type: 'timeseries', options: {} })));
  expect((await whenRead(read)).panels).toHaveLength(1);
  expect(read).toHaveBeenCalledTimes(1);
  expect(old).toThrow('not loaded');
});
