// Takes pictures of the gallery, and counts what thousands of refreshes leave behind.
// Usage: npx vite --port 5199 &  node test/gallery/shot.mjs http://127.0.0.1:5199 OUTDIR [refreshes]
import { chromium } from 'playwright-core';

const [base, out, refreshes = '0'] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--js-flags=--expose-gc'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
page.on('console', (m) => m.type() === 'error' && console.log('console:', m.text().slice(0, 400)));
page.on('pageerror', (e) => console.log('page:', e.message));
for (const mode of ['dark', 'light']) {
  const at = Date.now();
  await page.goto(`${base}/test/gallery/index.html?mode=${mode}`);
  await page.waitForSelector('.panel', { timeout: 90_000 });
  await page.waitForFunction(() => document.querySelectorAll('.skeleton').length === 0, undefined, { timeout: 90_000 });
  await page.waitForTimeout(1500);
  console.log(mode, 'ms', Date.now() - at, JSON.stringify(await page.$$eval('[data-panel-id]', (e) => e.map((x) => `${x.dataset.panelType}=${x.dataset.panelState}`))), 'hacked', await page.evaluate(() => window.hacked));
  await page.screenshot({ path: `${out}/${mode}.png`, fullPage: true });
}
const size = await page.evaluate(async () => (await window.gallery.pngOf(document.querySelector('[data-panel-id="1"]'), 'light')).size);
console.log('png bytes', size);
if (Number(refreshes) > 0) {
  await page.goto(`${base}/test/gallery/index.html?only=timeseries,stat,table,heatmap,state-timeline`);
  await page.waitForTimeout(4000);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable');
  const count = async () => {
    await page.evaluate(() => window.gc());
    const { metrics } = await cdp.send('Performance.getMetrics');
    const of = (n) => metrics.find((m) => m.name === n).value;
    return { listeners: of('JSEventListeners'), nodes: of('Nodes'), heapMB: Math.round(of('JSHeapUsedSize') / 1e5) / 10, plots: await page.evaluate(() => window.gallery.plotsAlive()), followers: await page.evaluate(() => window.gallery.followers()) };
  };
  const run = async (n) => page.evaluate(async (k) => { for (let i = 0; i < k; i++) { window.gallery.refresh(); await new Promise((f) => requestAnimationFrame(f)); } }, n);
  await run(50);
  const before = await count();
  await run(Number(refreshes));
  const after = await count();
  await page.evaluate(() => window.gallery.show(false));
  await page.waitForTimeout(300);
  console.log('before', before, 'after', after, 'gone', await count());
  if (after.plots !== before.plots || after.listeners > before.listeners + 20 || after.nodes > before.nodes * 1.2) process.exitCode = 1;
}
await browser.close();
