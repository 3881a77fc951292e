// Measures the console in a real browser against the real server:
// node console.mjs [--quick] [--only=overview,thirty,wide,refresh] PROGRAM
// node console.mjs … --url=URL --token=TOKEN   asks a server that runs already, with what an earlier run has written
//
// It prints Markdown. Times of the page are given twice: as they pass, which
// depends on what else the machine does, and as the processor time of the
// page's main thread, which does not.
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';

import { chromium } from 'playwright-core';

import { fill, keep, small, thirty, wide } from './boards.mjs';
import { processorTime, start } from './server.mjs';
import { traced } from './tasks.mjs';

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string', default: 'overview,thirty,wide,refresh' }, url: { type: 'string' }, token: { type: 'string' }, commit: { type: 'string', default: 'unknown' } },
});
if (positionals.length !== 1 && !(flags.url && flags.token)) {
  console.error('usage: node console.mjs [--quick] [--only=PARTS] PROGRAM, or --url=URL --token=TOKEN');
  process.exit(2);
}
const parts = new Set(flags.only.split(','));
const size = flags.quick ? { counters: 5000, wide: 600, refreshes: 60 } : { counters: 100_000, wide: 6000, refreshes: 3600 };

const server = flags.url ? { url: flags.url, token: flags.token, stop: async () => {} } : await start(positionals[0]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const ms = (n) => (n === undefined ? '–' : `${n < 10 ? n.toFixed(1) : n.toFixed(0)} ms`);
const rows = [];
const tell = (what, wall, cpu, longest, limit) => {
  rows.push([what, wall, cpu, longest, limit]);
  console.error([what, wall, cpu, longest].join('  '));
};

async function open() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, extraHTTPHeaders: { Authorization: `Bearer ${server.token}` } });
  const page = await context.newPage();
  page.on('pageerror', (e) => { throw new Error(`the page fails: ${e.message}`); });
  return { page, close: () => context.close() };
}

const drawn = (page, panels) => page.waitForFunction((n) => document.querySelector('[data-dashboard-state=ready]') && document.querySelectorAll('[data-panel-state=data]').length >= n, panels, { timeout: 300_000, polling: 'raf' });

/** refreshed presses the key for it so many times, each time when what the one before asked for is drawn. */
const refreshed = (page, times) => page.evaluate(async (n) => {
  const board = document.querySelector('[data-dashboard-state]');
  for (let i = 0; i < n; i++) {
    // An answer may be there before the next frame: only an observer sees every change.
    const ready = new Promise((go) => {
      new MutationObserver((_, observer) => {
        if (board.getAttribute('data-dashboard-state') !== 'ready') return;
        observer.disconnect();
        go();
      }).observe(board, { attributeFilter: ['data-dashboard-state'] });
    });
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'r', bubbles: true }));
    await ready;
    await new Promise((go) => requestAnimationFrame(go));
  }
}, times);

/** visited opens a page in a browser that has seen nothing, and gives what it took until it is usable. */
async function visited(path, usable) {
  const { page, close } = await open();
  const before = server.pid && await processorTime(server.pid);
  const t = await traced(browser, page, async () => {
    await page.goto(server.url + path, { waitUntil: 'commit' });
    await usable(page);
  });
  const after = server.pid && await processorTime(server.pid);
  return { page, close, ...t, server: before === undefined ? undefined : (after - before) * 1000 };
}

/** interaction moves the pointer or presses something, and gives the longest task that it caused. */
async function interaction(page, what, act, limit = '≤ 50 ms') {
  await page.waitForTimeout(300);
  const t = await traced(browser, page, async () => {
    await act();
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  });
  tell(what, ms(t.longestWall), ms(t.cpu), ms(t.longest), limit);
}

async function overview() {
  for (const turn of ['first visit', 'second visit']) {
    const v = await visited('/ui/', (page) => page.waitForFunction(() => document.querySelector('.page-head') && !document.querySelector('main .skeleton'), undefined, { timeout: 120_000, polling: 'raf' }));
    tell(`overview, ${turn}`, ms(v.took), ms(v.cpu), ms(v.longest), '≤ 1 s');
    await v.close();
  }
}

async function thirtyPanels() {
  await keep(server, thirty(size.counters / 50));
  // All 30 panels are in sight of a page of this height, so that all of them are drawn.
  for (const turn of ['first visit', 'second visit']) {
    const v = await visited('/ui/d/bench-thirty?kiosk', async (page) => {
      await page.setViewportSize({ width: 1440, height: 1200 });
      await drawn(page, 30);
    });
    tell(`30 panels over ${size.counters.toLocaleString('en')} series, ${turn}`, ms(v.took), ms(v.cpu), ms(v.longest), '≤ 2 s');
    if (v.server !== undefined) tell('· processor time of the server', '', ms(v.server), '', '');
    await v.close();
  }
}

async function widePanel() {
  await keep(server, wide());
  const { page, close, ...v } = await visited('/ui/d/bench-wide?kiosk', (p) => drawn(p, 1));
  tell(`one panel of ${size.wide.toLocaleString('en')} series`, ms(v.took), ms(v.cpu), ms(v.longest), '');
  await interaction(page, '· the next refresh', () => refreshed(page, 1), '');
  const box = await page.locator('.u-over').first().boundingBox();
  await interaction(page, '· 40 moves of the pointer', async () => {
    for (let i = 0; i < 40; i++) await page.mouse.move(box.x + (box.width * (i + 1)) / 42, box.y + box.height * (0.3 + 0.01 * i));
  });
  const legend = page.locator('.legend').first();
  await interaction(page, '· scrolling the legend through', async () => {
    for (let i = 1; i <= 20; i++) await legend.evaluate((el, part) => { el.scrollTop = el.scrollHeight * part; }, i / 20);
  });
  await legend.evaluate((el) => { el.scrollTop = 0; });
  const first = page.locator('.legend-item').first();
  await interaction(page, '· showing one series alone', () => first.click());
  await interaction(page, '· showing all again', () => first.click());
  await interaction(page, '· taking one series out', () => first.click({ modifiers: ['Control'] }));
  await close();
}

/** heap is what the page holds after a collection. */
async function heap(session) {
  await session.send('HeapProfiler.collectGarbage');
  const { metrics } = await session.send('Performance.getMetrics');
  const of = (name) => metrics.find((m) => m.name === name).value;
  return { heap: of('JSHeapUsedSize') / 2 ** 20, nodes: of('Nodes'), listeners: of('JSEventListeners') };
}

async function refreshes() {
  await keep(server, small());
  const { page, close } = await open();
  await page.goto(`${server.url}/ui/d/bench-small?kiosk`);
  await drawn(page, 6);
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  await refreshed(page, 20); // Everything has been loaded and compiled once.
  const began = performance.now();
  const seen = [await heap(session)];
  const some = Math.ceil(size.refreshes / 12);
  for (let done = 0; done < size.refreshes; done += some) {
    await refreshed(page, Math.min(some, size.refreshes - done));
    if ((done / some) % 4 === 3) seen.push(await heap(session));
  }
  await close();
  const took = (performance.now() - began) / 1000;
  return [
    `| after refreshes | heap, MiB | nodes | listeners |`, '|---|---:|---:|---:|',
    ...seen.map((s, i) => `| ${Math.round((size.refreshes * i) / 3).toLocaleString('en')} | ${s.heap.toFixed(1)} | ${s.nodes} | ${s.listeners} |`), '',
    `A dashboard of six panels, refreshed ${size.refreshes.toLocaleString('en')} times in ${took.toFixed(0)} s; after a collection of garbage each.`,
  ];
}

try {
  if (['thirty', 'wide', 'refresh'].some((p) => parts.has(p))) await fill(server, size.counters, size.wide);
  if (parts.has('overview')) await overview();
  if (parts.has('thirty')) await thirtyPanels();
  if (parts.has('wide')) await widePanel();
  const out = rows.length === 0 ? [] : [
    '| | as time passes | processor time of the page | its longest task, of processor time | target |', '|---|---:|---:|---:|---:|',
    ...rows.map((r) => `| ${r.join(' | ')} |`), '', 'For what one does with a panel the first figure is the longest task as time passes.', '',
  ];
  if (parts.has('refresh')) out.push(...await refreshes(), '');
  out.push(`${new Date().toISOString().slice(0, 16).replace('T', ' ')} UTC, commit ${flags.commit}, on ${cpus().length} cores of ${cpus()[0].model}, Linux ${release()}. Chromium ${browser.version()}, without a GPU.`);
  console.log(out.join('\n'));
} finally {
  await browser.close();
  await server.stop();
}
