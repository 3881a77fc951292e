import { expect, it } from 'vitest';

import { append, appended, panelOf } from './panel';

const panel = panelOf('Errors', [{ ref: 'A', expr: 'up', legend: '{{job}}' }]);

it('goes below all others, also those in collapsed rows, with an id of its own', () => {
  const before = { title: 'd', panels: [{ id: 3, gridPos: { x: 0, y: 0, w: 24, h: 4 } }, { id: 4, type: 'row', gridPos: { y: 4, h: 1 }, panels: [{ id: 9, gridPos: { y: 5, h: 6 } }] }] };
  const after = append(before, panel);
  expect(before.panels).toHaveLength(2);
  expect((after.panels as object[])[2]).toMatchObject({ id: 10, title: 'Errors', gridPos: { x: 0, y: 11, w: 12, h: 8 }, targets: [{ refId: 'A', expr: 'up', legendFormat: '{{job}}' }] });
});

it('begins an empty dashboard', () => expect((append({}, panel).panels as object[])[0]).toMatchObject({ id: 1, gridPos: { y: 0 } }));

it.each([{ elements: {} }, { rows: [] }])('does not break another layout: %j', (d) => {
  expect(() => append(d, panel)).toThrow(/Copy the panel/);
  expect(() => append(d, panel)).toThrow(expect.objectContaining({ text: expect.objectContaining({ zh: expect.stringContaining('复制面板') as string }) as object }) as Error);
});

it('goes into the grid of schema v2, below all others', async () => {
  const before = { apiVersion: 'dashboard.grafana.app/v2', spec: { title: 'd', elements: {}, layout: { kind: 'GridLayout', spec: { items: [{ kind: 'GridLayoutItem', spec: { x: 0, y: 0, width: 24, height: 5, element: { name: 'other' } } }] } } } };
  const after = (await appended(before, panel)) as typeof before;
  expect(after.spec.layout.spec.items[1]).toEqual({ kind: 'GridLayoutItem', spec: { x: 0, y: 5, width: 12, height: 8, element: { kind: 'ElementReference', name: 'panel-1' } } });
  expect(after.spec.elements).toMatchObject({ 'panel-1': { kind: 'Panel', spec: { id: 1, title: 'Errors', data: { spec: { queries: [{ spec: { refId: 'A', query: { group: 'prometheus', datasource: { name: 'touchline' }, spec: { expr: 'up', legendFormat: '{{job}}' } } } }] } } } } });
  await expect(appended({ elements: {}, layout: { kind: 'new' } }, panel)).rejects.toMatchObject({ message: expect.stringContaining('Copy the panel') as string, text: { zh: expect.stringContaining('复制面板') as string } });
});
