import { expect, it } from 'vitest';

import { readRows, writeRows } from './rows';

it('keeps rows in the address, whatever their keys have', () => {
  const rows = new Map([['12', true], ['15', false], ['3 host=a,b-c%', true]]);
  expect(writeRows(rows)).toBe('12,-15,3%20host%3Da%2Cb-c%25');
  expect(readRows(writeRows(rows))).toEqual(rows);
  expect(writeRows(new Map())).toBeUndefined();
});

it('reads what a router has made a number of, and leaves out what is broken', () => {
  expect([...readRows(12)]).toEqual([['12', true]]);
  expect([...readRows(-15)]).toEqual([['15', false]]);
  expect([...readRows('%E0%A4%A,7')]).toEqual([['7', true]]);
  expect([...readRows(undefined)]).toEqual([]);
});
