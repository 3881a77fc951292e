// Does in a real browser what takes several steps, against a running server on
// which people have to sign in: node flows.mjs URL TOKEN [FOLDER FOR SCREENSHOTS]
//
// A link without signing in, an edit in which the session ends, the patch of a
// dashboard that comes from a file, a panel as a picture, the way back from
// Inspect, a playlist, data that is refused, and a server that is away when a page is opened.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

import { chromium } from 'playwright-core';

const [url, token, shots] = process.argv.slice(2);
if (!url || !token) {
  console.error('usage: node flows.mjs URL TOKEN [FOLDER FOR SCREENSHOTS]');
  process.exit(2);
}
const provisioned = 'touchline-hosts';
const editor = { name: `walker-${Date.now().toString(36)}`, password: `Walk-${crypto.randomUUID()}` };

async function api(method, where, body) {
  const response = await fetch(`${url}/touchline/v1${where}`, {
    method, headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
  });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${where}: ${response.status} ${text.slice(0, 300)}`);
  return text === '' ? undefined : JSON.parse(text);
}

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });

async function open(where) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', reducedMotion: 'reduce', acceptDownloads: true });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  if (where) await page.goto(url + where);
  return { context, page };
}

/** Signs in on the page that people sign in on. */
async function signIn(page) {
  await page.goto(`${url}/ui/login`);
  await page.fill('input[name=name]', editor.name);
  await page.fill('input[type=password]', editor.password);
  await Promise.all([page.waitForURL((u) => !u.pathname.endsWith('/login')), page.press('input[type=password]', 'Enter')]);
}

const ready = (page) => page.waitForSelector('[data-dashboard-state=ready]');
const shot = (page, name) => (shots ? page.screenshot({ path: path.join(shots, `flow-${name}.png`) }) : undefined);

async function addText(page) {
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Text' }).click();
}

const flows = {
  async 'a shared link lets in who is not signed in'() {
    const { context, page } = await open(`/ui/d/${provisioned}`);
    assert.match(new URL(page.url()).pathname, /\/login$/, 'without the link there is nothing to see');
    const { token: key } = await api('POST', `/dashboards/${provisioned}/share`, { expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    const refused = [];
    page.on('response', (r) => { if (r.status() >= 400) refused.push(`${r.status()} ${new URL(r.url()).pathname}`); });
    // As whoever has the link may write it: with the editor, and without the frame that hides it.
    await page.goto(`${url}/ui/d/${provisioned}?edit=&share=${encodeURIComponent(key)}`);
    await ready(page);
    await page.waitForSelector('[data-panel-state=data]');
    await shot(page, 'share');
    assert.deepEqual([...new Set(refused)], []);
    for (const name of ['Save', 'Make a patch', 'Add', 'Edit', 'Share']) assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, `a link does not let edit: ${name}`);
    // Nor does it let change what it is for; its maker may.
    const { uid } = await api('POST', '/dashboards', { dashboard: { title: 'Lent', panels: [] }, folder: '', message: '' });
    const { token: lent } = await api('POST', `/dashboards/${uid}/share`, { expires_at: new Date(Date.now() + 3_600_000).toISOString() });
    const put = (headers) => fetch(`${url}/touchline/v1/dashboards/${uid}`, {
      method: 'PUT', headers: { 'Content-Type': 'application/json', 'If-Match': '"1"', ...headers }, body: JSON.stringify({ dashboard: { title: 'Changed', panels: [] }, folder: '', message: '' }),
    });
    const read = await fetch(`${url}/touchline/v1/dashboards/${uid}`, { headers: { 'X-Touchline-Share': lent } });
    assert.equal(read.status, 200, 'a link lets read');
    const changed = await put({ 'X-Touchline-Share': lent });
    assert.ok([401, 403].includes(changed.status), `a link lets change: ${changed.status}`);
    assert.equal((await put({ Authorization: `Bearer ${token}` })).status, 200, 'its maker may change it');
    await context.close();
  },

  async 'an edit outlives the end of the session'() {
    const { uid } = await api('POST', '/dashboards', { dashboard: { title: 'Walked', panels: [] }, folder: '', message: '' });
    try {
      const { context, page } = await open();
      await signIn(page);
      await page.goto(`${url}/ui/d/${uid}?edit=`);
      await ready(page);
      await addText(page);
      await page.getByRole('button', { name: 'Save', exact: true }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('textbox').fill('words that must not be lost');
      await context.clearCookies(); // as the end of a session looks to a browser
      await dialog.getByRole('button', { name: 'Save', exact: true }).click();
      await dialog.getByText('Nothing that you changed is lost').waitFor();
      await shot(page, 'session');
      assert.equal((await api('GET', `/dashboards/${uid}`)).dashboard.panels.length, 0);
      const other = await context.newPage();
      await signIn(other);
      await dialog.getByRole('button', { name: 'Save', exact: true }).click();
      await dialog.waitFor({ state: 'detached' });
      assert.equal((await api('GET', `/dashboards/${uid}`)).dashboard.panels.length, 1);
      const { versions } = await api('GET', `/dashboards/${uid}/versions`);
      assert.ok(versions.some((v) => v.message === 'words that must not be lost'), 'the message was sent too');
      await context.close();
    } finally {
      await api('DELETE', `/dashboards/${uid}`);
    }
  },

  async 'a dashboard from a file gives a patch'() {
    const { context, page } = await open();
    await signIn(page);
    await page.goto(`${url}/ui/d/${provisioned}?edit=`);
    await ready(page);
    await addText(page);
    await page.getByRole('button', { name: /patch/i }).click();
    const dialog = page.getByRole('dialog');
    await dialog.locator('.dash-code').waitFor();
    await shot(page, 'patch');
    assert.match(await dialog.locator('.dash-code').innerText(), /^\+.*"type": ?"text"/m);
    const [file] = await Promise.all([page.waitForEvent('download'), dialog.getByRole('button', { name: 'Download the JSON patch' }).click()]);
    const operations = JSON.parse(await readFile(await file.path(), 'utf8'));
    assert.ok(operations.length > 0 && operations.every((o) => typeof o.path === 'string'));
    await context.close();
  },

  async 'tabs are tabs, and stay so when they are saved'() {
    const element = (id, content) => ({ kind: 'Panel', spec: {
      id, title: `Panel ${id}`, links: [], future: 'kept',
      data: { kind: 'QueryGroup', spec: { queries: [{ kind: 'PanelQuery', spec: { refId: 'A', hidden: false, query: { kind: 'DataQuery', group: 'prometheus', version: 'v0', datasource: { name: 'touchline' }, spec: { expr: content } } } }], transformations: [], queryOptions: {} } },
      vizConfig: { kind: 'VizConfig', group: 'stat', version: '12.0.0', spec: { options: {}, fieldConfig: { defaults: {}, overrides: [] } } },
    } });
    const tab = (title, id) => ({ kind: 'TabsLayoutTab', spec: { title, layout: { kind: 'GridLayout', spec: { items: [{ kind: 'GridLayoutItem', spec: { x: 0, y: 0, width: 12, height: 6, element: { kind: 'ElementReference', name: `panel-${id}` } } }] } } } });
    const { uid } = await api('POST', '/dashboards', { folder: '', message: '', dashboard: { apiVersion: 'dashboard.grafana.app/v2', kind: 'Dashboard', metadata: { name: `tabs-${Date.now().toString(36)}`, labels: { kept: 'yes' } }, spec: {
      title: 'Tabs', annotations: [], cursorSync: 'Off', editable: true, links: [], preload: false, tags: [], variables: [], timeSettings: { from: 'now-1h', to: 'now', autoRefresh: '', autoRefreshIntervals: [], hideTimepicker: false, fiscalYearStartMonth: 0 },
      elements: { 'panel-1': element(1, 'vector(1)'), 'panel-2': element(2, 'vector(2)') }, layout: { kind: 'TabsLayout', spec: { tabs: [tab('One', 1), tab('Two & more', 2)] } },
    } } });
    try {
      const { context, page } = await open();
      await signIn(page);
      const asked = [];
      page.on('request', (r) => { if (/\/query(_range)?$/.test(new URL(r.url()).pathname)) asked.push(decodeURIComponent(`${r.url()} ${r.postData() ?? ''}`)); });
      await page.goto(`${url}/ui/d/${uid}`);
      await page.waitForSelector('[data-panel-id="1"][data-panel-state=data]');
      await ready(page);
      await page.getByRole('tab').first().waitFor();
      assert.deepEqual(await page.getByRole('tab').allInnerTexts(), ['One', 'Two & more']);
      assert.equal(await page.locator('[data-panel-id="2"]').count(), 0, 'only the tab that is shown has panels');
      assert.ok(asked.some((r) => r.includes('vector(1)')) && !asked.some((r) => r.includes('vector(2)')), 'only the tab that is shown asks');
      await page.getByRole('tab', { name: 'One' }).focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[data-panel-id="2"][data-panel-state=data]');
      assert.equal(new URL(page.url()).searchParams.get('dtab'), 'Two-&-more');
      await page.getByRole('tabpanel', { name: 'Two & more' }).waitFor({ state: 'attached' });
      await shot(page, 'tabs');
      await page.reload();
      await page.waitForSelector('[data-panel-id="2"][data-panel-state=data]');
      assert.equal(await page.getByRole('tab', { selected: true }).innerText(), 'Two & more');
      await page.goto(`${url}/ui/d/${uid}?print=`);
      await page.waitForSelector('[data-panel-id="1"][data-panel-state=data]');
      await page.waitForSelector('[data-panel-id="2"][data-panel-state=data]');
      assert.equal(await page.getByRole('tab').count(), 0, 'on paper there is nothing to press');
      await page.getByRole('heading', { name: 'Two & more' }).waitFor();
      await page.goto(`${url}/ui/d/${uid}?edit=&dtab=two-more`);
      await page.waitForSelector('[data-panel-id="2"][data-panel-state=data]');
      await addText(page);
      const save = async (classic) => {
        await page.getByRole('button', { name: 'Save', exact: true }).click();
        const dialog = page.getByRole('dialog');
        if (classic) await dialog.getByLabel(/classic/).check();
        await dialog.getByRole('button', { name: 'Save', exact: true }).click();
        await dialog.waitFor({ state: 'detached' });
        return (await api('GET', `/dashboards/${uid}`)).dashboard;
      };
      const kept = await save(false);
      assert.deepEqual(Object.keys(kept.spec.elements), ['panel-1', 'panel-2', 'panel-3']);
      assert.deepEqual(kept.spec.layout.spec.tabs.map((t) => t.spec.layout.spec.items.length), [1, 2], 'it is in the tab that was shown');
      assert.deepEqual([kept.metadata.labels, kept.spec.elements['panel-1']], [{ kept: 'yes' }, element(1, 'vector(1)')], 'all else stays');
      await page.goto(`${url}/ui/d/${uid}?edit=`);
      await page.waitForSelector('[data-panel-id="1"][data-panel-state=data]');
      await addText(page);
      const classic = await save(true);
      assert.deepEqual(classic.panels.filter((p) => p.type === 'row').map((p) => p.title), ['One', 'Two & more']);
      await context.close();
    } finally {
      await api('DELETE', `/dashboards/${uid}`);
    }
  },

  async 'a legend of many lines picks one, and gives all back'() {
    const { uid } = await api('POST', '/dashboards', {
      dashboard: { title: 'Many', panels: [{ id: 1, type: 'timeseries', title: 'Many', gridPos: { x: 0, y: 0, w: 24, h: 16 }, targets: [{ refId: 'A', expr: '{__name__=~"node_.+"}' }], options: { legend: { showLegend: true } } }] },
      folder: '', message: '',
    });
    try {
      const { context, page } = await open();
      await signIn(page);
      await page.goto(`${url}/ui/d/${uid}?from=now-5m&to=now&refresh=off`);
      await ready(page);
      const panel = page.locator('[data-panel-id="1"]');
      // A server that is busy may refuse so large a query for a moment.
      for (let n = 0; n < 5 && await panel.getAttribute('data-panel-state') !== 'data'; n++) {
        await page.waitForTimeout(2000);
        await page.keyboard.press('r');
        await ready(page);
      }
      assert.equal(await panel.getAttribute('data-panel-state'), 'data', await panel.innerText());
      await panel.locator('.uplot').waitFor();
      assert.ok(Number(/^\D*(\d+) of/.exec(await panel.locator('.panel-note').innerText())?.[1]) > 100, 'so many lines that the drawing is a task of its own');
      const drawn = () => panel.locator('.uplot canvas').evaluate((c) => c.toDataURL());
      const changed = async (from) => {
        for (let n = 0; n < 100; n++) {
          const now = await drawn();
          if (now !== from) return now;
          await page.waitForTimeout(50);
        }
        return assert.fail('the drawing stays as it was');
      };
      const all = await drawn();
      const first = panel.locator('.legend-item').first();
      await first.click();
      const one = await changed(all);
      await first.click();
      await changed(one);
      assert.equal(await panel.locator('.uplot').count(), 1, 'the plot of before is gone');
      await context.close();
    } finally {
      await api('DELETE', `/dashboards/${uid}`);
    }
  },

  async 'a panel becomes a picture'() {
    const { context, page } = await open();
    await signIn(page);
    await page.goto(`${url}/ui/d/${provisioned}`);
    await ready(page);
    const panel = page.locator('[data-panel-type=timeseries][data-panel-state=data]').first();
    await panel.scrollIntoViewIfNeeded();
    await panel.getByRole('button', { name: /^Menu of/ }).click();
    const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: /PNG/ }).click()]);
    const bytes = await readFile(await file.path());
    assert.equal(bytes.subarray(1, 4).toString(), 'PNG');
    // The size of the panel, twice as sharp; a picture of nothing would be small.
    const box = await panel.boundingBox();
    assert.ok(Math.abs(bytes.readUInt32BE(16) - 2 * box.width) <= 2, `${bytes.readUInt32BE(16)} pixels wide for ${box.width}`);
    assert.ok(bytes.length > 5000, `${bytes.length} bytes`);
    await context.close();
  },

  async 'the browser goes back from Inspect, a playlist has a bar, and what is deleted is gone'() {
    const { context, page } = await open();
    await signIn(page);
    const made = [];
    for (const title of ['Played first', 'Played second']) made.push((await api('POST', '/dashboards', { dashboard: { title, panels: [{ id: 1, type: 'text', title: 'Note', gridPos: { x: 0, y: 0, w: 12, h: 6 }, options: { mode: 'markdown', content: title } }] }, folder: '', message: '' })).uid);
    await page.goto(`${url}/ui/d/${made[0]}`);
    await ready(page);
    await page.getByRole('button', { name: 'Menu of Note' }).click();
    await page.getByRole('menuitem', { name: 'Inspect' }).click();
    const inspect = page.getByRole('dialog', { name: /Inspect/ });
    await inspect.waitFor();
    assert.equal(new URL(page.url()).searchParams.get('inspect'), '1');
    await page.goBack();
    await inspect.waitFor({ state: 'detached' });
    assert.equal(new URL(page.url()).pathname, `/ui/d/${made[0]}`, 'Back leaves Inspect, not the dashboard');
    await page.goForward();
    await inspect.waitFor();
    await page.keyboard.press('Escape');
    await inspect.waitFor({ state: 'detached' });
    await page.goto(`${url}/ui/d/${made[0]}?inspect=1`);
    await inspect.waitFor();

    await page.goto(`${url}/ui/playlist?d=${made[0]}&d=${made[1]}&every=600s`);
    await page.getByRole('heading', { level: 1, name: 'Played first' }).waitFor();
    await page.mouse.move(300, 300);
    await page.mouse.move(320, 320);
    const bar = page.getByRole('toolbar', { name: 'Playlist' });
    await bar.and(page.locator('[data-awake]')).waitFor();
    await bar.getByRole('button', { name: 'Next' }).click();
    await page.getByRole('heading', { level: 1, name: 'Played second' }).waitFor();
    await shot(page, 'playlist');
    await bar.getByRole('button', { name: 'Previous' }).click();
    await page.getByRole('heading', { level: 1, name: 'Played first' }).waitFor();
    await page.keyboard.press('Escape');
    await page.waitForURL((u) => u.pathname === '/ui/dashboards');

    await page.goto(`${url}/ui/d/${made[0]}`);
    await ready(page);
    await page.getByRole('button', { name: 'More', exact: true }).last().click();
    await page.getByRole('menuitem', { name: 'Delete' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL((u) => u.pathname === '/ui/dashboards');
    await page.goBack();
    await page.getByText('This dashboard is not there any more').waitFor();
    assert.equal(await page.locator('[data-panel-id]').count(), 0, 'nothing of it is shown');
    await shot(page, 'gone');
    await api('DELETE', `/dashboards/${made[1]}`);
    await context.close();
  },

  async 'what is refused is said where data is looked for'() {
    const { context, page } = await open();
    await signIn(page);
    // A counter that is new within the minute counts from zero.
    for (let n = 0; n < 3; n++) assert.equal((await fetch(`${url}/api/v1/write`, { method: 'POST', body: 'x' })).status, 401);
    await page.goto(`${url}/ui/watched`);
    await page.locator('[data-refused=remote-write]').getByText(/Remote write: Refused with 401, 3 times/).waitFor();
    await page.goto(`${url}/ui/`);
    await page.getByText('Data that comes is refused.').waitFor();
    await page.getByRole('link', { name: 'What to set there' }).click();
    await page.waitForURL((u) => u.pathname === '/ui/add/remote-write');
    await context.close();
  },

  async 'a page that cannot be loaded waits for the server'() {
    const { context, page } = await open();
    await signIn(page);
    await page.goto(`${url}/ui/status`);
    await page.getByRole('heading', { level: 1 }).waitFor();
    let loads = 0;
    page.on('load', () => { loads++; });
    // As after the server was stopped.
    const silent = (route) => route.abort('connectionrefused');
    await page.route('**/*', silent);
    await page.getByRole('link', { name: 'Alerts' }).first().click();
    await page.getByRole('alert').filter({ hasText: 'opens by itself' }).waitFor();
    await shot(page, 'silent');
    assert.equal(await page.getByRole('navigation', { name: 'Pages' }).count(), 1, 'the frame stays');
    await page.unroute('**/*', silent);
    await page.getByRole('heading', { level: 1, name: 'Alerts' }).waitFor();
    assert.equal(loads, 0, 'nothing was loaded anew');
    // As after an upgrade: the module has another name now.
    let missing = 0;
    await page.route('**/app/Rules-*.js', (route) => (missing++ < 2 ? route.fulfill({ status: 404 }) : route.continue()));
    await page.getByRole('main').getByRole('link', { name: 'Rules' }).first().click();
    await page.getByRole('heading', { level: 1, name: 'Rules' }).waitFor();
    assert.equal(loads, 1, 'the page is loaded anew once');
    await context.close();
  },
};

await api('POST', '/users', { ...editor, role: 'editor', language: 'en' });
let failed = 0;
try {
  for (const [name, flow] of Object.entries(flows)) {
    try {
      await flow();
      console.log(`ok   ${name}`);
    } catch (error) {
      failed++;
      console.error(`FAIL ${name}: ${error.message}`);
    }
  }
} finally {
  await api('PATCH', `/users/${editor.name}`, { disabled: true });
  await browser.close();
}
process.exit(failed === 0 ? 0 : 1);
