import { createDataFrame } from '@grafana/data';
import { describe, expect, it } from 'vitest';

import { type PanelData, paused } from './panelData';

const asking: PanelData = { state: 'loading', frames: [createDataFrame({ fields: [{ name: 'a', values: [1] }] })], answers: [], queries: undefined, warnings: [], fetching: true, took: 0 };

describe('paused', () => {
  it('no longer says that a panel refreshes once it was scrolled away', () => {
    expect(paused(asking)).toEqual({ ...asking, fetching: false, state: 'done' });
  });

  it('leaves alone what waits for its first data, and what waits for nothing', () => {
    const first = { ...asking, frames: [] };
    const done: PanelData = { ...asking, fetching: false, state: 'error', error: 'no' };
    expect(paused(first)).toBe(first);
    expect(paused(done)).toBe(done);
  });
});
