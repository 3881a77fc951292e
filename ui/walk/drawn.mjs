// Opens dashboards in a real browser and says what they show. It reads one
// address a line from its input, and answers each with one line of JSON:
// {state, panels, variables, troubles, requests, refused}.
import { createInterface } from 'node:readline';

import { chromium } from 'playwright-core';

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
// One context, so that the console's code is loaded and compiled once.
const context = await browser.newContext({ viewport: { width: 1500, height: 1600 }, locale: 'en-GB', timezoneId: 'UTC', reducedMotion: 'reduce' });
const patience = 90_000;

/** Runs within the page: what the panels that are drawn show. */
function shown() {
  const text = (e) => (e?.textContent ?? '').replace(/\s+/g, ' ').trim();
  const line = getComputedStyle(document.documentElement).getPropertyValue('--line').trim();
  const grid = /^#[0-9a-f]{6}$/i.test(line) ? [1, 3, 5].map((i) => parseInt(line.slice(i, i + 2), 16)) : undefined;
  /** How many pixels of a plot are neither background nor grid; -1 where there is no plot. */
  const ink = (panel) => {
    const canvas = panel.querySelector('.uplot canvas');
    const over = panel.querySelector('.uplot .u-over')?.getBoundingClientRect();
    if (!canvas || !over || canvas.width === 0 || !grid) return -1;
    const box = canvas.getBoundingClientRect();
    const d = canvas.width / box.width;
    const [w, h] = [Math.floor(over.width * d), Math.floor(over.height * d)];
    if (w < 1 || h < 1) return 0;
    const { data } = canvas.getContext('2d').getImageData(Math.round((over.left - box.left) * d), Math.round((over.top - box.top) * d), w, h);
    let n = 0;
    // What is nearly transparent, as the area below a line, has no exact colour; what is all but transparent has none.
    for (let i = 0; i < data.length; i += 4) if (data[i + 3] >= 8 && grid.some((c, k) => Math.abs(data[i + k] - c) > 32)) n++;
    return n;
  };
  /** Which of the copies of a panel that repeats this is: those that are not drawn have a place in the page, too. */
  const copy = (panel) => {
    const tab = panel.closest('[role=tabpanel]');
    return `${tab?.id ?? ''} ${[...(tab ?? document).querySelectorAll(`[data-panel-id="${panel.dataset.panelId}"]`)].indexOf(panel)}`;
  };
  return [...document.querySelectorAll('section.panel[data-panel-id]')].map((panel) => {
    const all = (selector) => [...panel.querySelectorAll(selector)];
    const figures = all('.figure-cell, [data-value]').filter((e) => !e.parentElement?.closest('.figure-cell, [data-value]')).map((e) => ({
      name: text(e.querySelector('.figure-name, .bar-name, svg > text')),
      text: text(e.querySelector('.figure-value')) || text([...e.querySelectorAll('svg g > text:not(.axis-text)')].at(-1)),
    }));
    const readings = all('[data-readings] tbody tr').map((r) => ({ name: text(r.querySelector('th')), text: text(r.querySelector('td')) }));
    const cells = all('.gt-row [role=cell]').map((c) => ({ name: c.dataset.field ?? '', text: text(c) }));
    return {
      id: Number(panel.dataset.panelId), type: panel.dataset.panelType, state: panel.dataset.panelState, title: text(panel.querySelector('h3')),
      values: [...figures, ...readings, ...cells], series: Number(panel.querySelector('[data-readings]')?.dataset.readings ?? 0),
      ink: ink(panel), trouble: text(panel.querySelector('.panel-problem-text')), copy: copy(panel),
    };
  });
}

/** Runs within the page: opens the rows that are closed, and tells whether there were any. */
function open() {
  const closed = [...document.querySelectorAll('.dash-row button[aria-expanded=false]')];
  for (const c of closed) c.click();
  return closed.length > 0;
}

/** Runs within the page: the tabs that there are, how deep each stands in others, and whether it is shown. */
function bars() {
  const depth = (e) => {
    const outer = e.parentElement?.closest('[role=tabpanel]');
    return outer ? 1 + depth(outer) : 0;
  };
  return [...document.querySelectorAll('[role=tab][data-tab]')].map((e) => ({ key: e.dataset.tab, depth: depth(e), shown: e.ariaSelected === 'true' }));
}

/** Runs within the page: shows a tab, if its bar is there. */
function turn(key) {
  const tab = [...document.querySelectorAll('[role=tab][data-tab]')].find((e) => e.dataset.tab === key);
  tab?.click();
  return tab !== undefined;
}

/** Runs within the page: scrolls, and comes back when what is near has been looked for. */
const scroll = (to) => new Promise((done) => {
  scrollTo(0, to);
  requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done)));
});

const rest = () => document.documentElement.scrollHeight - innerHeight;

/** Goes down the page and notes its panels; gives the tabs that it came by. */
async function down(page, panels) {
  const tabs = new Map();
  for (let y = 0, step = 0; step < 100; step++) {
    await settled(page);
    // Rows that are closed are opened where they come into view; what stands below moves down.
    if (await page.evaluate(open)) await settled(page);
    for (const tab of await page.evaluate(bars)) tabs.set(tab.key, tab);
    for (const p of await page.evaluate(shown)) {
      // Copies of a panel that repeats have its number.
      const key = `${p.id} ${p.copy} ${p.title}`;
      p.ink = Math.max(p.ink, panels.get(key)?.ink ?? -1);
      if (p.state !== 'loading' || !panels.has(key)) panels.set(key, p);
    }
    const height = await page.evaluate(rest);
    if (y >= height) break;
    y = Math.min(height, y + 1400);
    await page.evaluate(scroll, y);
  }
  return tabs;
}

/** Shows a tab whose bar may be anywhere on the page. */
async function show(page, key) {
  const height = await page.evaluate(rest);
  for (let y = 0; ; y += 1400) {
    await page.evaluate(scroll, Math.min(y, height));
    if (await page.evaluate(turn, key) || y >= height) break;
  }
  await page.evaluate(scroll, 0);
}

/** Runs within the page: the variables that can be chosen, and what is said of those that cannot. */
function chosen() {
  return {
    variables: Object.fromEntries([...document.querySelectorAll('[data-variable]')].map((v) => {
      const pills = [...v.querySelectorAll('.mantine-Pill-label')].map((p) => p.textContent);
      return [v.dataset.variable, pills.length > 0 ? pills : [...v.querySelectorAll('input')].map((i) => i.value).filter((x) => x !== '').slice(0, 1)];
    })),
    troubles: [...document.querySelectorAll('[data-dashboard-state] > div > [role=status], [data-dashboard-state] > div > [role=alert]')].map((e) => e.textContent.trim()),
  };
}

/** Waits until what the viewport shows is there. What is scrolled past may wait for its return. */
const settled = (page) => page.waitForFunction(() => {
  const waits = [...document.querySelectorAll('[data-panel-state=loading], .panel .skeleton, .panel-busy')].some((e) => {
    const box = e.getBoundingClientRect();
    return box.bottom > 0 && box.top < innerHeight;
  });
  return document.querySelector('[data-dashboard-state=ready]') && !waits;
}, undefined, { timeout: patience, polling: 50 });

async function look(address) {
  const page = await context.newPage();
  const refused = [];
  let requests = 0;
  page.on('response', (r) => {
    const url = new URL(r.url());
    if (!/\/api\/v1\/(query|query_range|query_exemplars)$/.test(url.pathname)) return;
    requests++;
    if (r.status() >= 400) refused.push(r.text().catch(() => '').then((body) => ({ status: r.status(), query: new URLSearchParams(r.request().postData() ?? url.search).get('query') ?? '', body: body.slice(0, 300) })));
  });
  const problems = [];
  page.on('pageerror', (e) => problems.push(e.message.slice(0, 300)));
  const panels = new Map();
  let state = 'ready';
  try {
    await page.goto(address, { waitUntil: 'domcontentloaded' });
    // Each tab is shown once, those within the one that is shown first.
    const seen = new Set();
    while (seen.size < 500) {
      const tabs = [...(await down(page, panels)).values()];
      for (const tab of tabs) if (tab.shown) seen.add(tab.key);
      const [next] = tabs.filter((tab) => !seen.has(tab.key)).sort((a, b) => b.depth - a.depth);
      if (!next) break;
      seen.add(next.key);
      await show(page, next.key);
    }
  } catch (error) {
    state = `${await page.evaluate(() => document.querySelector('[data-dashboard-state]')?.dataset.dashboardState ?? 'nothing').catch(() => 'gone')}: ${error.message.split('\n')[0]}`;
  }
  const bar = await page.evaluate(chosen).catch(() => ({ variables: {}, troubles: [] }));
  const answer = { state, panels: [...panels.values()], ...bar, problems, requests, refused: await Promise.all(refused) };
  await page.close();
  return answer;
}

for await (const address of createInterface({ input: process.stdin })) console.log(JSON.stringify(await look(address)));
await browser.close();
