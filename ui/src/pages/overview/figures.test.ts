import { expect, it } from 'vitest';

import { byFigure, containerName, oneQuery } from './figures';

it('marks each figure', () => {
  expect(oneQuery({ a: 'up', b: 'x > 1' })).toBe('label_replace(up, "figure", "a", "", "") or label_replace(x > 1, "figure", "b", "", "")');
});

it('sorts values by figure, and leaves out what is no number', () => {
  const got = byFigure(
    {
      data: {
        resultType: 'vector',
        result: [
          { metric: { figure: 'cpu', instance: 'a' }, value: [1, '0.5'] },
          { metric: { figure: 'cpu', instance: 'b' }, value: [1, 'NaN'] },
          { metric: { figure: 'disk', instance: 'a' }, value: [1, '0.25'] },
        ],
      },
      warnings: [],
      infos: [],
    },
    (l) => l.instance ?? '',
  );
  expect(got.get('cpu')).toEqual(new Map([['a', 0.5]]));
  expect(got.get('disk')?.get('a')).toBe(0.25);
});

it.each([
  [{ namespace: 'web', pod: 'api-1', container: 'app' }, 'web/api-1/app'],
  [{ name: 'redis', id: '/docker/0123' }, 'redis'],
  [{ id: '/system.slice/nginx.service' }, 'nginx'],
  [{ id: '/' }, '/'],
])('names %j', (labels, name) => expect(containerName(labels)).toBe(name));
