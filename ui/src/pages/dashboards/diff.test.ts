import { describe, expect, it } from 'vitest';

import { differences } from './diff';

const paths = (a: unknown, b: unknown): string[] => differences(a, b).list.map((d) => `${d.kind} ${d.path}`);

describe('differences', () => {
  it('says nothing of what is the same', () => expect(paths({ a: [1, { b: 2 }] }, { a: [1, { b: 2 }] })).toEqual([]));
  it('names changed, added and removed fields by path', () => {
    expect(paths({ title: 'a', gone: 1, 'odd key': { x: 1 } }, { title: 'b', new: 1, 'odd key': { x: 2 } })).toEqual(['changed title', 'added new', 'changed odd key.x', 'removed gone']);
    expect(paths({ a: { 'odd key': 1 } }, { a: { 'odd key': 2 } })).toEqual(['changed a["odd key"]']);
  });
  it('finds a panel by its id, wherever it stands', () => {
    const a = { panels: [{ id: 1, title: 'x' }, { id: 2, title: 'y' }] };
    expect(paths(a, { panels: [{ id: 1, title: 'x' }, { id: 2, title: 'z' }] })).toEqual(['changed panels[id=2].title']);
    expect(paths(a, { panels: [{ id: 2, title: 'y' }] })).toEqual(['removed panels[id=1]']);
    expect(paths(a, { panels: [{ id: 2, title: 'y' }, { id: 1, title: 'x' }] })).toEqual(['changed panels (order)']);
  });
  it('compares by place where ids are missing or taken twice', () => {
    expect(paths([{ id: 1 }, { id: 1 }], [{ id: 1 }, { id: 2 }])).toEqual(['changed [1].id']);
    expect(paths([1, 2, 3], [1, 5])).toEqual(['changed [1]', 'removed [2]']);
  });
  it('is bounded in length and depth', () => {
    const wide = differences({}, Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`k${i}`, i])));
    expect([wide.list.length, wide.more]).toEqual([2000, true]);
    let a: unknown = 1;
    let b: unknown = 2;
    for (let i = 0; i < 500; i++) [a, b] = [{ d: a }, { d: b }];
    expect(differences(a, b).list).toHaveLength(1);
  });
});
