import { describe, expect, it } from 'vitest';

import { layoutOf, mostPlaced } from './layout';
import { normalize } from './normalize';
import { allKey, type Values } from './scope';

const values = (name: string, value: string[], options = value): Values => ({ [name]: { name, type: 'custom', value, text: value, multi: true, several: true, allValue: undefined, options: options.map((o) => ({ text: o, value: o })), filters: [] } });
const panel = (id: number, x: number, y: number, w: number, h: number, more: object = {}) => ({ id, type: 'stat', gridPos: { x, y, w, h }, ...more });
const row = (id: number, y: number, more: object = {}) => ({ id, type: 'row', gridPos: { x: 0, y, w: 24, h: 1 }, ...more });
const place = (panels: object[], v: Values = {}, open?: Map<string, boolean>) => layoutOf(normalize({ panels }), v, open);
const shape = (r: ReturnType<typeof layoutOf>) => r.placed.map((p) => [p.key, p.gridPos.x, p.gridPos.y, p.gridPos.w, p.gridPos.h]);

describe('layoutOf', () => {
  it('leaves what does not repeat where it is', () => {
    expect(shape(place([panel(1, 0, 0, 12, 8), panel(2, 12, 0, 12, 4), row(3, 8), panel(4, 0, 9, 24, 5)]))).toEqual([['1', 0, 0, 12, 8], ['2', 12, 0, 12, 4], ['3', 0, 8, 24, 1], ['4', 0, 9, 24, 5]]);
  });
  it('repeats across, wraps by maxPerRow, and pushes down what stands below', () => {
    const r = place([panel(1, 0, 0, 6, 4, { repeat: 'v', maxPerRow: 2 }), panel(2, 0, 4, 24, 3)], values('v', ['a', 'b', 'c']));
    expect(shape(r)).toEqual([['1/v=a', 0, 0, 12, 4], ['1/v=b', 12, 0, 12, 4], ['1/v=c', 0, 4, 12, 4], ['2', 0, 8, 24, 3]]);
    expect(r.placed[1]!.scoped).toEqual({ v: { value: 'b', text: 'b' } });
  });
  it('repeats downwards at its own width', () => {
    expect(shape(place([panel(1, 6, 0, 6, 4, { repeat: 'v', repeatDirection: 'v' }), panel(2, 0, 4, 24, 3)], values('v', ['a', 'b'])))).toEqual([['1/v=a', 6, 0, 6, 4], ['1/v=b', 6, 4, 6, 4], ['2', 0, 8, 24, 3]]);
  });
  it('repeats for all options, and stands once without a value', () => {
    expect(place([panel(1, 0, 0, 6, 4, { repeat: 'v' })], values('v', [allKey], ['a', 'b', 'c', 'd'])).placed).toHaveLength(4);
    expect(shape(place([panel(1, 0, 0, 6, 4, { repeat: 'v' })], values('v', [])))).toEqual([['1', 0, 0, 6, 4]]);
    expect(shape(place([panel(1, 0, 0, 6, 4, { repeat: 'none' })]))).toEqual([['1', 0, 0, 6, 4]]);
  });
  it('repeats a row with its panels, whose own repeats see the row\'s value', () => {
    const r = place([row(1, 0, { repeat: 'v' }), panel(2, 0, 1, 12, 4), panel(3, 12, 1, 12, 4, { repeat: 'v' })], values('v', ['a', 'b']));
    expect(shape(r)).toEqual([['1/v=a', 0, 0, 24, 1], ['1/v=a/2', 0, 1, 12, 4], ['1/v=a/3', 12, 1, 12, 4], ['1/v=b', 0, 5, 24, 1], ['1/v=b/2', 0, 6, 12, 4], ['1/v=b/3', 12, 6, 12, 4]]);
    expect(r.placed[4]!).toMatchObject({ row: '1/v=b', scoped: { v: { value: 'b' } } });
  });
  it('hides what a closed row has, and moves up what follows', () => {
    const panels = [row(1, 0, { collapsed: true, panels: [panel(2, 0, 1, 24, 8)] }), row(3, 1), panel(4, 0, 2, 24, 5)];
    expect(shape(place(panels))).toEqual([['1', 0, 0, 24, 1], ['3', 0, 1, 24, 1], ['4', 0, 2, 24, 5]]);
    expect(shape(place(panels, {}, new Map([['1', true]])))).toEqual([['1', 0, 0, 24, 1], ['2', 0, 1, 24, 8], ['3', 0, 9, 24, 1], ['4', 0, 10, 24, 5]]);
    expect(shape(place(panels, {}, new Map([['3', false]])))).toEqual([['1', 0, 0, 24, 1], ['3', 0, 1, 24, 1]]);
  });
  it('keeps what follows a closed row out of it', () => {
    const panels = [row(1, 0, { collapsed: true, panels: [panel(2, 0, 1, 24, 8)] }), panel(3, 0, 1, 24, 5), panel(4, 0, 6, 24, 2), row(5, 8)];
    expect(shape(place(panels))).toEqual([['1', 0, 0, 24, 1], ['3', 0, 1, 24, 5], ['4', 0, 6, 24, 2], ['5', 0, 8, 24, 1]]);
    const open = place(panels, {}, new Map([['1', true]]));
    expect(shape(open)).toEqual([['1', 0, 0, 24, 1], ['2', 0, 1, 24, 8], ['3', 0, 9, 24, 5], ['4', 0, 14, 24, 2], ['5', 0, 16, 24, 1]]);
    expect(open.placed.map((p) => p.row)).toEqual(['', '1', '', '', '']);
  });
  it('stops at a number of panels', () => {
    const many = Array.from({ length: 200 }, (_, i) => String(i));
    const r = place(Array.from({ length: 100 }, (_, i) => panel(i + 1, 0, i, 4, 1, { repeat: 'v' })), values('v', many));
    expect(r.placed).toHaveLength(mostPlaced);
    expect(r.warnings).toHaveLength(1);
  });
});
