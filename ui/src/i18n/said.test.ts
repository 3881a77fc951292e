import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

import { describe, expect, it } from 'vitest';

import { say, sentences } from './said';

const internal = `${import.meta.dirname}/../../../internal/`;

/** texts are the texts of a Go file, without its comments. */
function texts(go: string): string[] {
  const out: string[] = [];
  for (const [token] of go.matchAll(/\/\/[^\n]*|\/\*[^]*?\*\/|"(?:[^"\\\n]|\\.)*"|`[^`]*`|'(?:[^'\\\n]|\\.)+'/g)) {
    if (token.startsWith('`')) out.push(token.slice(1, -1));
    else if (token.startsWith('"')) {
      try {
        out.push(JSON.parse(token) as string);
      } catch {
        out.push(token.slice(1, -1)); // an escape that JSON does not have
      }
    }
  }
  return out;
}

/** Verbs of formats, and braces of sentences, are both places for something else. %q writes quotes. */
const places = (text: string): string => text.replace(/"(?:%[.\d]*[a-z]|\{\w+\})"|%[.\d]*[a-z]|\{\w+\}/g, '\0');

/** The texts of each package of the server: one sentence may be put together in several of its files. */
const packages = new Map<string, string[]>();
const sources = readdirSync(internal, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.go') && !f.endsWith('_test.go'));
for (const f of sources) {
  const of = dirname(f);
  packages.set(of, [...(packages.get(of) ?? []), ...texts(readFileSync(internal + f, 'utf8')).map(places)]);
}

/** written gives the words of a sentence between places and marks. */
const written = (en: string): string[] => en.split(/\{\w+\}|[,;:]/).map((part) => part.replace(/^[^a-z\d]+|[^a-z\d]+$/gi, '')).filter((part) => /[a-z]{2}.*[a-z]{2}/i.test(part));

/** How the server makes sentences that pages show: where a text stands that begins one. */
const said: [file: RegExp, before: RegExp][] = [
  [/^collect\/(node|containers)\.go$/, /s\.(?:miss|add)\((?:what|"[^"]*"(?: ?\+ ?\w+)?), (?:fmt\.Sprintf\()?("(?:[^"\\]|\\.)*")/g],
  [/^collect\/(node|containers)\.go$/, /s\.miss\(.*, ("(?:[^"\\]|\\.)*")\)/g],
  [/^collect\/(node|containers)\.go$/, /const what = ("(?:[^"\\]|\\.)*")/g],
  [/^collect\/runtimes\/runtimes\.go$/, /\b(?:What|Reason|Remedy)(?::| =)\s+("(?:[^"\\]|\\.)*")/g],
  [/^collect\/failures\.go$/, /failedRemedy = ("(?:[^"\\]|\\.)*")/g],
  [/^app\/(report|backends)\.go$/, /\bWhat: ("(?:[^"\\]|\\.)*")/g],
  [/^(app|heartbeat|metrics|statuspage)\/\w+\.go$/, /\.(?:Off|Degraded)\(("(?:[^"\\]|\\.)*")/g],
  [/^app\/app\.go$/, /notHere = ("(?:[^"\\]|\\.)*")/g],
  [/^heartbeat\/pulse\.go$/, /withheld\(\w+, ("(?:[^"\\]|\\.)*")/g],
  [/^backtest\/report\.go$/, /\bLimits[:,].*?("[A-Z](?:[^"\\]|\\.)*")/g],
  [/^backtest\/plan\.go$/, /u\.why = true, (?:fmt\.Sprintf\()?("(?:[^"\\]|\\.)*")/g],
  [/^shadow\/shadow\.go$/, /r\.limits = append\(r\.limits, (?:fmt\.Sprintf\()?("(?:[^"\\]|\\.)*")/g],
  [/^shadow\/report\.go$/, /\bnote :?= ("(?:[^"\\]|\\.)*")/g],
  [/^incident\/calls\.go$/, /notes = append\(notes, (?:fmt\.Sprintf\()?("(?:[^"\\]|\\.)*")/g],
  [/^app\/people\.go$/, /Outcome\{What: ("(?:[^"\\]|\\.)*")/g],
  [/^rules\/arrival\/analyze\.go$/, /(?:p\.Reason = \w+,|a\.refused =) ("(?:[^"\\]|\\.)*")/g],
  [/^dashboard\/read\.go$/, /message := fmt\.Sprintf\(("(?:[^"\\]|\\.)*")/g],
];

describe('what the server says', () => {
  it.each(sentences)('%s is still said', (en, zh) => {
    const parts = written(en);
    const all = [...packages.values()];
    const whole = all.some((x) => x.includes(places(en)));
    expect(whole || (/\{/.test(en) && parts.length > 0), 'words to find it by').toBe(true);
    expect(whole || all.some((x) => parts.every((part) => x.some((text) => text.includes(part)))), parts.join(' … ')).toBe(true);
    expect(zh).toMatch(/\p{Script=Han}/u);
    const names = (s: string): string[] => [...s.matchAll(/\{(\w+)\}/g)].map((x) => x[1]!).sort();
    expect(names(zh)).toEqual(names(en));
  });

  it.each(said)('%s has nothing at %s that is not in Chinese', (file, before) => {
    const found = sources.filter((f) => file.test(f)).flatMap((f) => [...readFileSync(internal + f, 'utf8').matchAll(before)].map((x) => JSON.parse(x[1]!) as string));
    expect(found.length, 'of this form the sources have none any more').toBeGreaterThan(0);
    // A text may be the beginning of a sentence, and have places for what is not known here.
    const known = (text: string): boolean => {
      const [beginning, second] = places(text).split('\0');
      return sentences.some(([en]) => (beginning ? en.startsWith(beginning.trimEnd()) : en.includes((second ?? '').trim())));
    };
    expect(found.filter((text) => !known(text))).toEqual([]);
  });

  it('fills in what the server filled in, and lets the unknown be', () => {
    expect(say('the collector diskstats of node')).toBe('node 的采集器 diskstats');
    expect(say('told; failed: slack: 500 {"a": "b"}; mail: no route')).toBe('已通知；失败：slack: 500 {"a": "b"}; mail: no route');
    expect(say('anna has quiet hours')).toBe('anna 处于免打扰时段');
    expect(say('backend metrics (http://p:9090): it answers 503 Service Unavailable')).toBe('后端 metrics（http://p:9090）：返回 503 Service Unavailable');
    expect(say('storage takes no samples: a write to its log failed; free some space, no restart is needed')).toBe('存储不接收样本：写入写前日志失败；请释放空间，无需重启');
    expect(say('the heartbeat is withheld: the alert Watchdog has not been evaluated yet')).toBe('心跳已暂停发送：告警 Watchdog 尚未评估');
    expect(say('name: there is a user "anna" already; names are never given twice · role: "x" is wrong')).toBe('name: 用户“anna”已存在；用户名不能重复使用 · role: "x" is wrong');
    expect(say('the time or the person is not possible: the section people of touchline.yaml has no "bo"; it has anna')).toBe('时间或人员无效：touchline.yaml 的 people 中没有“bo”；现有 anna');
    expect(say('ask for maintenance: no')).toBe('查询维护窗口：no');
    expect(say('it answers $& 500: the credentials of backends.alerts are not right')).toBe('返回 $& 500：backends.alerts 的凭据不正确');
    for (const own of ['', 'Anna called the provider', 'dial tcp 127.0.0.1:9090: connect: connection refused', 'x'.repeat(100_000)]) expect(say(own)).toBe(own);
  });
});
