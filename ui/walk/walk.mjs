// Walks every page of the console in a real browser against a running server:
// node walk.mjs URL TOKEN [FOLDER FOR SCREENSHOTS]
//
// With API=prometheus,alertmanager only the pages that rest on one of those are.
// Each page is looked at in one of a sample of role, language, theme and width in
// which every pair of values occurs, with FULL=1 in each of the sample. A page fails when the browser's console has an
// error, the content policy was violated, something foreign was asked for, a
// request was refused that should not be, the page shows an error, scrolls
// sideways, or has a serious finding of axe-core.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

import { chromium } from 'playwright-core';

import { pages as all } from './pages.mjs';

const [url, token, shots] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node walk.mjs URL TOKEN [FOLDER FOR SCREENSHOTS]');
  process.exit(2);
}
const apis = process.env.API?.split(',');
const pages = apis ? all.filter((p) => p.api?.some((a) => apis.includes(a))) : all;
if (pages.length === 0) {
  console.error(`no page rests on ${process.env.API}`);
  process.exit(2);
}
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

// Every pair of values of two columns is in some row.
const looks = [
  { role: 'anonymous', language: 'en', theme: 'dark', width: 1280 },
  { role: 'anonymous', language: 'zh', theme: 'light', width: 390 },
  { role: 'admin', language: 'en', theme: 'light', width: 390 },
  { role: 'admin', language: 'zh', theme: 'dark', width: 1280 },
  { role: 'admin', language: 'en', theme: 'light', width: 1280 },
  { role: 'anonymous', language: 'en', theme: 'dark', width: 390 },
];

/** Bytes that pages may load from the server, compressed. */
const budget = { overview: 350_000, dashboard: 150_000 };

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
let failed = 0;
let looked = 0;

function complain(at, what) {
  failed++;
  console.error(`FAIL ${at}: ${what}`);
}

async function open(look) {
  const context = await browser.newContext({
    viewport: { width: look.width, height: look.width < 700 ? 844 : 900 },
    colorScheme: look.theme,
    locale: look.language === 'zh' ? 'zh-CN' : 'en-GB',
    extraHTTPHeaders: look.role === 'admin' ? { Authorization: `Bearer ${token}` } : {},
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  await page.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (e) => window.violations.push(`${e.violatedDirective} ${e.blockedURI}`));
  });
  return { context, page };
}

async function visit(page, at, where, refusals) {
  const problems = [];
  const onConsole = (m) => {
    // The browser's own line about an answer of 4xx names no address; responses are looked at below.
    if (m.type() === 'error' && !m.text().startsWith('Failed to load resource')) problems.push(`console: ${m.text().slice(0, 300)}`);
  };
  const onError = (e) => problems.push(`exception: ${e.message.slice(0, 300)}`);
  const onResponse = (r) => {
    const path = new URL(r.url()).pathname;
    if (!r.url().startsWith(url) && !r.url().startsWith('data:') && !r.url().startsWith('blob:')) problems.push(`asks ${r.url()}`);
    if (r.status() >= 400 && !refusals.some((x) => path.startsWith(x))) problems.push(`${r.status()} of ${path}`);
  };
  page.on('console', onConsole).on('pageerror', onError).on('response', onResponse);
  await page.goto(url + where, { waitUntil: 'load' });
  await page.waitForSelector('main h1, main [data-dashboard-state], main .page-head, main .empty', { timeout: 15_000 }).catch(() => problems.push('shows nothing after 15 s'));
  await page.waitForFunction(() => !document.querySelector('main .skeleton[role=status]'), undefined, { timeout: 10_000 }).catch(() => problems.push('still loads after 10 s'));
  await page.waitForTimeout(300);
  const seen = await page.evaluate(() => ({
    violations: window.violations,
    errors: [...document.querySelectorAll('main [role=alert][data-tone=critical]')].map((e) => e.textContent),
    sideways: document.documentElement.scrollWidth - document.documentElement.clientWidth,
  }));
  for (const v of seen.violations) problems.push(`content policy: ${v}`);
  for (const e of seen.errors) problems.push(`shows: ${e}`);
  if (seen.sideways > 1) problems.push(`is ${seen.sideways} px too wide`);
  page.off('console', onConsole).off('pageerror', onError).off('response', onResponse);
  for (const p of new Set(problems)) complain(at, p);
}

async function accessible(page, at) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  for (const v of found.violations) {
    if (v.impact === 'serious' || v.impact === 'critical') complain(at, `axe: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.target.join(' ')).join(' | ')}`);
  }
}

for (const [i, p] of pages.entries()) {
  // One look of each page, so that all of them come about over the pages; all of them with FULL=1.
  for (const look of process.env.FULL ? looks : [looks[i % looks.length]]) {
    const at = `${p.path} (${look.role}, ${look.language}, ${look.theme}, ${look.width} px)`;
    const { context, page } = await open(look);
    await visit(page, at, p.path, look.role === 'anonymous' ? (p.refused ?? []) : []);
    await accessible(page, at);
    if (shots) await page.screenshot({ path: path.join(shots, `${p.path.replace(/\W+/g, '_')}-${look.language}-${look.theme}-${look.width}.png`), fullPage: true });
    await context.close();
    looked++;
  }
}

// Keys and the palette.
{
  const { context, page } = await open(looks[0]);
  await page.goto(`${url}/ui/`);
  await page.waitForSelector('.page-head');
  await page.keyboard.press('?');
  await page.waitForSelector('[role=dialog]');
  await page.keyboard.press('Escape');
  await page.waitForSelector('[role=dialog]', { state: 'detached' });
  await page.keyboard.press('/');
  await page.waitForSelector('#palette');
  const at = (where) => page.waitForURL((u) => u.pathname === `${new URL(url).pathname.replace(/\/$/, '')}/ui${where}`, { timeout: 10_000 }).catch(() => complain('keys', `lead to ${page.url()}, and not to ${where}`));
  await page.keyboard.type('silences');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#palette', { state: 'detached' });
  await at('/silences');
  for (const k of ['g', 'd']) await page.keyboard.press(k);
  await at('/dashboards');
  for (const k of ['g', 'o']) await page.keyboard.press(k);
  await at('/');
  looked++;
  await context.close();
}

// What is loaded.
{
  const { context, page } = await open(looks[0]);
  let bytes = 0;
  const sizes = [];
  page.on('response', (r) => {
    if (new URL(r.url()).pathname.startsWith('/ui/app/')) sizes.push(r.request().sizes().then((s) => { bytes += s.responseBodySize; }).catch(() => {}));
  });
  await page.goto(`${url}/ui/`);
  await page.waitForSelector('.page-head');
  await page.waitForTimeout(1000);
  await Promise.all(sizes);
  console.log(`overview: ${(bytes / 1000).toFixed(0)} kB`);
  if (bytes === 0 || bytes > budget.overview) complain('overview', `loads ${bytes} bytes, may load ${budget.overview}`);
  const board = pages.find((p) => p.path.startsWith('/ui/d/'));
  if (board) {
    const before = bytes;
    await page.goto(url + board.path);
    await page.waitForSelector('[data-dashboard-state=ready]', { timeout: 20_000 });
    await page.waitForTimeout(1500);
    await Promise.all(sizes);
    console.log(`first dashboard: ${((bytes - before) / 1000).toFixed(0)} kB more`);
    if (bytes - before > budget.dashboard) complain('dashboard', `loads ${bytes - before} bytes more, may load ${budget.dashboard}`);
  }
  await context.close();
}

await browser.close();
console.log(`${looked} looks at ${pages.length} pages, ${failed} findings`);
process.exit(failed === 0 ? 0 : 1);
