import { describe, expect, it } from 'vitest';

import { Requests } from './requests';

interface Sent {
  done: (v: string) => void;
  fail: (e: Error) => void;
  signal: AbortSignal;
}

function sender(): { sent: Sent[]; send: (signal: AbortSignal) => Promise<string> } {
  const sent: Sent[] = [];
  return {
    sent,
    send: (signal) => new Promise((done, fail) => {
      sent.push({ done, fail, signal });
      signal.addEventListener('abort', () => fail(new Error('aborted')));
    }),
  };
}
const settled = (): Promise<void> => new Promise((f) => setTimeout(f));

describe('Requests', () => {
  it('sends equal requests once and shares the answer', async () => {
    const r = new Requests<string>();
    const { sent, send } = sender();
    const [a, b] = [r.ask('x', send), r.ask('x', send)];
    await settled();
    expect(sent).toHaveLength(1);
    sent[0]!.done('yes');
    expect(await a.answer).toBe('yes');
    expect(await b.answer).toBe('yes');
    const c = r.ask('x', send);
    expect(await c.answer).toBe('yes');
    [a, b, c].forEach((x) => x.release());
    expect(r.size).toBe(0);
  });
  it('keeps at most so many in flight, and gives the place on, also after a failure', async () => {
    const r = new Requests<string>(2);
    const { sent, send } = sender();
    const asked = ['a', 'b', 'c', 'd'].map((k) => r.ask(k, send));
    await settled();
    expect(sent).toHaveLength(2);
    sent[0]!.fail(new Error('no'));
    await expect(asked[0]!.answer).rejects.toThrow('no');
    await settled();
    expect(sent).toHaveLength(3);
    sent[1]!.done('');
    sent[2]!.done('');
    await settled();
    sent[3]!.done('last');
    expect(await asked[3]!.answer).toBe('last');
  });
  it('aborts only what nobody waits for', async () => {
    const r = new Requests<string>();
    const { sent, send } = sender();
    const [a, b] = [r.ask('x', send), r.ask('x', send)];
    await settled();
    a.release();
    a.release();
    expect(sent[0]!.signal.aborted).toBe(false);
    b.release();
    expect(sent[0]!.signal.aborted).toBe(true);
    const again = r.ask('x', send);
    await settled();
    expect(sent).toHaveLength(2);
    sent[1]!.done('new');
    expect(await again.answer).toBe('new');
  });
  it('never sends what was given up while it waited', async () => {
    const r = new Requests<string>(1);
    const { sent, send } = sender();
    const [a, b, c] = [r.ask('a', send), r.ask('b', send), r.ask('c', send)];
    await settled();
    b.release();
    sent[0]!.done('');
    await a.answer;
    await settled();
    expect(sent).toHaveLength(2);
    sent[1]!.done('c');
    expect(await c.answer).toBe('c');
  });
});
