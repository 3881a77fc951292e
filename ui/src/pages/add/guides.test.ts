import { describe, expect, it } from 'vitest';

import { isLoopback, place, tokenFile } from './guide';
import { guide, guides } from './guides';

const listeners = [{ name: 'web', address: '0.0.0.0:7070' }, { name: 'otlp-grpc', address: '0.0.0.0:4317' }];
const at = (token: boolean, config?: string) => place('https://mon.example.com', '/m', { token, listeners, config });

describe('place', () => {
  it('is the address that the reader has reached', () => {
    expect(at(true)).toEqual({ base: 'https://mon.example.com/m', host: 'mon.example.com:443', tls: true, prefix: '/m', token: true, grpc: 'mon.example.com:4317', config: undefined });
    expect(place('http://127.0.0.1:7070', '', { token: false, listeners: [], config: '' })).toMatchObject({ base: 'http://127.0.0.1:7070', host: '127.0.0.1:7070', tls: false, grpc: undefined, config: undefined });
  });
  it('keeps a listen address that is one address', () => {
    expect(place('http://a:1', '', { token: false, listeners: [{ name: 'otlp-grpc', address: '10.0.0.1:4317' }] }).grpc).toBe('10.0.0.1:4317');
  });
});

it.each([['localhost', true], ['127.3.2.1', true], ['[::1]', true], ['127.example.com', false], ['10.0.0.1', false]])('isLoopback(%s) is %s', (host, want) => {
  expect(isLoopback(host)).toBe(want);
});

describe('guides', () => {
  it('have ids of their own that stand in an address', () => {
    expect(new Set(guides.map((g) => g.id)).size).toBe(guides.length);
    for (const g of guides) expect(g.id).toMatch(/^[a-z0-9-]+$/);
  });
  it.each(guides.map((g) => [g.id, g] as const))('%s says in both languages what to do', (_id, g) => {
    for (const token of [true, false]) {
      for (const step of g.steps(at(token))) {
        expect(step.text.en).not.toBe('');
        expect(step.text.zh).toMatch(/[\u4e00-\u9fff]/);
        expect(step.code ?? '').not.toMatch(/undefined|false|\[object/);
      }
    }
  });
  it('those that send name this server, with its prefix, and a token only where one is asked for', () => {
    for (const g of guides.filter((x) => x.group === 'send')) {
      const code = (token: boolean): string => g.steps(at(token)).map((s) => s.code ?? '').join('\n');
      expect(code(true), g.id).toContain('mon.example.com');
      expect(code(true), g.id).toContain(tokenFile);
      if (g.id !== 'deployments') expect(code(false), g.id).not.toContain(tokenFile);
    }
    expect(guide('remote-write')!.steps(at(true))[0]!.code).toBe(`remote_write:\n  - url: https://mon.example.com/m/api/v1/write\n    authorization:\n      credentials_file: ${tokenFile}`);
  });
  it('those that are scraped name the file that is in force', () => {
    const [, add, check] = guide('redis')!.steps(at(false, '/etc/touchline/prometheus.yml'));
    expect(add!.file).toBe('/etc/touchline/prometheus.yml');
    expect(add!.code).toMatch(/^ {2}- job_name: redis\n/);
    expect(check!.code).toContain('reload touchline');
    expect(guide('redis')!.steps(at(false))[1]!.code).toMatch(/^scrape_configs:\n {2}- job_name: redis\n {4}scrape_interval/);
  });
});
