import { describe, expect, it } from 'vitest';

import { inOrder } from './kinds';
import { type Found, rank } from './search';

const found = (label: string, over?: boolean): Found => ({ id: label, icon: 'explore', label, to: '/', over });
const group = (kind: string, ...list: Found[]) => ({ kind, name: kind, found: list });

describe('the order of what is found', () => {
  const groups = [group('Metrics', found('shop_queue_length')), group('Alerts', found('ShopQueueLong')), group('Dashboards', found('Queues of the shop')), group('Incidents', found('#7 ShopQueueLong'))];

  it('has what goes on now first where it fits as well', () => {
    expect(rank('ShopQueueLong', 'queue')).toBe(rank('shop_queue_length', 'queue'));
    expect(inOrder(groups, 'shop').map((g) => g.kind)).toEqual(['Incidents', 'Alerts', 'Metrics', 'Dashboards']);
  });

  it('has what fits better first, whatever it is', () => {
    expect(inOrder(groups, 'queue').map((g) => g.kind)).toEqual(['Dashboards', 'Incidents', 'Alerts', 'Metrics']);
    expect(inOrder(groups, 'shop_queue_length').map((g) => g.kind)[0]).toBe('Metrics');
  });

  it('has incidents that are over last', () => {
    expect(inOrder([group('Incidents', found('#7 ShopQueueLong', true)), ...groups.slice(0, 2)], 'queue').map((g) => g.kind)).toEqual(['Alerts', 'Metrics', 'Incidents']);
  });

  it('keeps pages first while nothing is typed', () => {
    expect(inOrder([group('Dashboards', found('a')), group('Pages', found('b'))], '').map((g) => g.kind)).toEqual(['Pages', 'Dashboards']);
  });
});
