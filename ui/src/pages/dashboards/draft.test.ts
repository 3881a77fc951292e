import { describe, expect, it } from 'vitest';

import type { Spot } from './arrange';
import { overlaps } from './room';
import { addPanel, at, changePanel, duplicatePanel, everyPanel, findPanel, keepDraft, keptDraft, movePanel, newDashboard, newPanel, put, removePanel, spotOf } from './draft';

const dashboard = (): Record<string, unknown> => ({
  title: 'T', other: 'kept',
  panels: [
    { id: 1, type: 'stat', gridPos: { x: 0, y: 0, w: 12, h: 8 } },
    { id: 7, type: 'row', collapsed: true, gridPos: { x: 0, y: 8, w: 24, h: 1 }, panels: [{ id: 9, type: 'text', gridPos: { x: 0, y: 9, w: 6, h: 4 } }] },
  ],
});

describe('edits of a dashboard', () => {
  it('change a panel of a closed row, and nothing else', () => {
    const before = dashboard();
    const after = changePanel(before, 9, (p) => ({ ...p, title: 'new' }));
    expect(findPanel(after, 9)).toMatchObject({ title: 'new', type: 'text' });
    expect(before).toEqual(dashboard());
    expect(after.other).toBe('kept');
  });
  it('give a new panel a free id and a free place', () => {
    const { dashboard: d, id } = addPanel(dashboard(), newPanel('timeseries', 'x'));
    expect(id).toBe(10);
    expect(spotOf(findPanel(d, id)!)).toEqual({ x: 0, y: 9, w: 12, h: 8 });
  });
  it('put a new panel beside the last one, where there is room', () => {
    const spots = (d: Record<string, unknown>) => (d.panels as Record<string, unknown>[]).map(spotOf);
    let d = newDashboard('t');
    for (let i = 0; i < 3; i++) d = addPanel(d, newPanel('timeseries', '')).dashboard;
    expect(spots(d)).toEqual([{ x: 0, y: 0, w: 12, h: 8 }, { x: 12, y: 0, w: 12, h: 8 }, { x: 0, y: 8, w: 12, h: 8 }]);
    d = addPanel(d, newPanel('row', 'r')).dashboard;
    expect(spots(d)[3]).toEqual({ x: 0, y: 16, w: 24, h: 1 });
    // A file may have a heading narrower than it is drawn.
    d.panels = [{ id: 1, type: 'row', gridPos: { x: 0, y: 0, w: 12, h: 1 } }];
    expect(spots(addPanel(d, newPanel('timeseries', '')).dashboard)[1]).toEqual({ x: 0, y: 1, w: 12, h: 8 });
  });
  it('put a copy beside its original', () => {
    const { dashboard: d, id } = duplicatePanel(dashboard(), 1);
    expect(spotOf(findPanel(d, id)!)).toEqual({ x: 12, y: 0, w: 12, h: 8 });
    expect(overlaps((d.panels as Record<string, unknown>[]).map(spotOf))).toBe(false);
  });
  it('keep the panels of a closed row that is removed', () => {
    expect(everyPanel(removePanel(dashboard(), 7)).map((p) => p.id)).toEqual([1, 9]);
    expect(everyPanel(removePanel(dashboard(), 9)).map((p) => p.id)).toEqual([1, 7]);
  });
  it('move panels and keep the order of the file that of the grid', () => {
    const d = movePanel(dashboard(), 1, { x: 0, y: 20, w: 6, h: 4 });
    expect((d.panels as { id: number }[]).map((p) => p.id)).toEqual([7, 1]);
    expect(spotOf(findPanel(d, 1)!)).toEqual({ x: 0, y: 1, w: 6, h: 4 });
  });
  it('move a row with all that stands under it', () => {
    const panel = (id: number, type: string, y: number, h: number): Record<string, unknown> => ({ id, type, gridPos: { x: 0, y, w: 24, h } });
    const d = { title: 'T', panels: [panel(1, 'stat', 0, 4), panel(2, 'row', 4, 1), panel(3, 'stat', 5, 8), panel(4, 'row', 13, 1), panel(5, 'stat', 14, 2), panel(6, 'stat', 16, 2)] };
    const places = (after: Record<string, unknown>): [number, number][] => (after.panels as { id: number; gridPos: Spot }[]).map((p) => [p.id, p.gridPos.y]);
    const swapped = [[1, 0], [4, 4], [5, 5], [6, 7], [2, 9], [3, 10]];
    expect(places(movePanel(d, 2, { x: 0, y: 5, w: 24, h: 1 }))).toEqual(swapped);
    expect(places(movePanel(d, 4, { x: 0, y: 3, w: 24, h: 1 }))).toEqual(swapped);
    expect(places(movePanel(d, 2, { x: 0, y: 0, w: 24, h: 1 }))).toEqual(places(d));
    expect(places(movePanel(dashboard(), 7, { x: 0, y: 30, w: 24, h: 1 }))).toEqual(places(dashboard()));
  });
  it('bear a file whose panels are no list', () => {
    expect(everyPanel({ panels: 'x' })).toEqual([]);
    expect(everyPanel({ panels: [null, 3, { id: 1 }] })).toHaveLength(1);
    expect(addPanel(newDashboard('t'), newPanel('row', 'r')).id).toBe(1);
  });
});

describe('put and at', () => {
  it('set and take away by path without touching the original', () => {
    const before = { a: { b: [{ c: 1 }] } };
    const after = put(before, ['a', 'b', 0, 'c'], 2);
    expect(at(after, ['a', 'b', 0, 'c'])).toBe(2);
    expect(before.a.b[0]!.c).toBe(1);
    expect(put(before, ['a', 'b'], undefined)).toEqual({ a: {} });
    expect(put({}, ['x', 1], 'y')).toEqual({ x: [undefined, 'y'] });
  });
  it('do not reach the prototype', () => {
    put({}, ['__proto__', 'polluted'], true);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('drafts', () => {
  it('outlive a reload, and broken ones are none', () => {
    const kept = new Map<string, string>();
    const store = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v), removeItem: (k: string) => void kept.delete(k) };
    expect(keepDraft(store, 'u', { dashboard: { title: 'x' }, etag: '"3"', at: 1 })).toBe(true);
    expect(keptDraft(store, 'u')).toEqual({ dashboard: { title: 'x' }, etag: '"3"', at: 1 });
    keepDraft(store, 'u', undefined);
    expect(keptDraft(store, 'u')).toBeUndefined();
    store.setItem('touchline.draft.u', '{broken');
    expect(keptDraft(store, 'u')).toBeUndefined();
    expect(keepDraft({ ...store, setItem: () => { throw new Error('full'); } }, 'u', { dashboard: {}, etag: '', at: 1 })).toBe(false);
  });
});
