import { ActionIcon, Button, Kbd, Menu, Modal, useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { type ReactNode, Suspense, useCallback, useState } from 'react';

import { alerts } from '../api/alertmanager';
import { byLink } from '../api/client';
import { signOut, useMe } from '../api/me';
import { status } from '../api/status';
import { language, setLanguage, useT } from '../i18n';
import { Icon } from '../ui/icons';
import { signInURL } from '../ui/parts';
import { needsPerson, worst } from '../ui/tone';
import { prefix } from './base';
import { useKeys } from './keys';
import { menu, type MenuEntry } from './menu';
import { lazyPage } from './PageLoad';
import { TimeControls } from './TimeControls';

const Palette = lazyPage<{ close: () => void }>(() => import('./Palette'), 'Palette');

const m = {
  skip: { en: 'Skip to the content', zh: '跳到正文' },
  search: { en: 'Search or go to', zh: '搜索或跳转' },
  theme: { en: 'Theme', zh: '主题' },
  light: { en: 'Light', zh: '浅色' },
  dark: { en: 'Dark', zh: '深色' },
  system: { en: 'As the system', zh: '跟随系统' },
  language: { en: 'Language', zh: '语言' },
  user: { en: 'You', zh: '用户' },
  anonymous: { en: 'Not signed in', zh: '未登录' },
  signIn: { en: 'Sign in', zh: '登录' },
  signOut: { en: 'Sign out', zh: '退出登录' },
  profile: { en: 'Profile', zh: '个人资料' },
  tokens: { en: 'Your tokens', zh: '您的令牌' },
  keys: { en: 'Keyboard', zh: '键盘快捷键' },
  navigation: { en: 'Pages', zh: '页面' },
  rest: { en: 'More', zh: '更多' },
  widen: { en: 'Show names', zh: '显示名称' },
  markOk: { en: 'All is right', zh: '一切正常' },
  markWarning: { en: 'Something needs attention', zh: '有事项需要注意' },
  markCritical: { en: 'Something is failing', zh: '出现故障' },
  goTo: { en: 'go to {page}', zh: '前往 {page}' },
  palette: { en: 'search everything', zh: '搜索全部' },
  refresh: { en: 'refresh', zh: '刷新' },
  help: { en: 'this list', zh: '此列表' },
};

const wideKey = 'touchline.rail';

/** Frame is what every page stands in: the mark, the rail, the bar with time and search. */
export function Frame(): ReactNode {
  const t = useT();
  const path = useRouterState({ select: (s) => s.location.pathname });
  const kiosk = useRouterState({ select: (s) => ['kiosk', 'print'].some((name) => name in s.location.search) });
  const [wide, setWide] = useState(() => localStorage.getItem(wideKey) === 'wide');
  const [palette, setPalette] = useState(false);
  const [help, setHelp] = useState(false);
  // A link to one dashboard lets its reader ask for nothing else, and in kiosk mode none of this is shown.
  const enabled = !kiosk && !byLink();
  const { data: state, isError } = useQuery({ enabled, queryKey: ['status'], queryFn: ({ signal }) => status(signal), refetchInterval: 5000 });
  const { data: active } = useQuery({ enabled, queryKey: ['alerts', 'active'], queryFn: ({ signal }) => alerts({ active: true, silenced: false, inhibited: false }, signal), refetchInterval: 5000 });
  const bad = state?.components?.some((c) => c.state !== 'ok' && c.state !== 'off') ?? false;
  const alarms = (active ?? []).filter((a) => needsPerson(a.labels));
  const tone = worst(alarms.map((a) => a.labels.severity));
  const mark = isError ? 'critical' : !state ? undefined : tone === 'critical' ? 'critical' : tone === 'warning' || bad ? 'warning' : 'ok';
  const openPalette = useCallback(() => setPalette(true), []);
  const openHelp = useCallback(() => setHelp(true), []);
  useKeys(openPalette, openHelp);
  const at = path.startsWith(`${prefix}/ui`) ? path.slice(prefix.length + 3) || '/' : path;
  const here = menu.filter((e) => at === e.to || (e.to !== '/' && (at + '/').startsWith(e.to + '/')) || e.also?.some((a) => at.startsWith(a))).at(-1);
  if (kiosk) {
    return (
      <main className="content"><Outlet /></main>
    );
  }
  return (
    <>
      <a className="skip" href="#content">{t(m.skip)}</a>
      <div className="mark" data-state={mark} role="img" aria-label={t(mark === 'ok' ? m.markOk : mark === 'warning' ? m.markWarning : m.markCritical)} />
      <div className="frame" data-wide={wide}>
        <nav className="rail" aria-label={t(m.navigation)}>
          {menu.map((e) => <RailLink key={e.to} entry={e} here={e === here} count={e.to === '/alerts' ? alarms.length : 0} wide={wide} />)}
          <RestMenu here={here} />
          <div className="rail-rest" style={{ marginTop: 'auto' }}>
            <button type="button" className="rail-link" style={{ width: '100%' }} aria-label={t(m.widen)} aria-pressed={wide}
              onClick={() => { setWide(!wide); localStorage.setItem(wideKey, wide ? '' : 'wide'); }}>
              <Icon name="menu" />
              {wide && 'Touchline'}
            </button>
          </div>
        </nav>
        <div style={{ minWidth: 0 }}>
          <header className="topbar">
            <div className="topbar-crumb ellipsis">{here ? t(here.label) : 'Touchline'}</div>
            <Button variant="default" leftSection={<Icon name="search" size={14} />} rightSection={<Kbd size="xs">Ctrl K</Kbd>} onClick={openPalette} visibleFrom="sm">{t(m.search)}</Button>
            <ActionIcon variant="default" hiddenFrom="sm" onClick={openPalette} aria-label={t(m.search)}><Icon name="search" /></ActionIcon>
            <TimeControls />
            <ThemeMenu />
            <UserMenu />
          </header>
          <main className="content" id="content" tabIndex={-1}>
            {palette && <Suspense><Palette close={() => setPalette(false)} /></Suspense>}
            <Outlet />
          </main>
        </div>
      </div>
      <Modal opened={help} onClose={() => setHelp(false)} title={t(m.keys)}>
        <table className="table">
          <tbody>
            <tr><td><Kbd>/</Kbd> <Kbd>Ctrl K</Kbd></td><td>{t(m.palette)}</td></tr>
            <tr><td><Kbd>r</Kbd></td><td>{t(m.refresh)}</td></tr>
            {menu.map((e) => <tr key={e.to}><td><Kbd>g</Kbd> <Kbd>{e.key}</Kbd></td><td>{t(m.goTo, { page: t(e.label) })}</td></tr>)}
            <tr><td><Kbd>?</Kbd></td><td>{t(m.help)}</td></tr>
          </tbody>
        </table>
      </Modal>
    </>
  );
}

/** What every link keeps of the address: time and time zone. */
export const keepTime = (old: Record<string, unknown>): Record<string, unknown> => ({ from: old.from, to: old.to, refresh: old.refresh, timezone: old.timezone });

function RailLink({ entry, here, count, wide }: { entry: MenuEntry; here: boolean; count: number; wide: boolean }): ReactNode {
  const t = useT();
  return (
    <Link to={entry.to as never} search={keepTime as never} className={`rail-link${entry.phone ? '' : ' rail-rest'}`} aria-current={here ? 'page' : undefined} title={wide ? undefined : t(entry.label)}>
      <Icon name={entry.icon} />
      <span className={wide ? undefined : 'rail-name'}>{t(entry.label)}</span>
      {count > 0 && <span className="rail-count">{count}</span>}
    </Link>
  );
}

/** RestMenu is where a phone's bar has the pages that have no entry of their own in it. */
function RestMenu({ here }: { here?: MenuEntry }): ReactNode {
  const t = useT();
  const rest = menu.filter((e) => !e.phone);
  return (
    <Menu position="top-end">
      <Menu.Target>
        <button type="button" className="rail-link rail-more" aria-current={here && rest.includes(here) ? 'page' : undefined}><Icon name="more" /><span>{t(m.rest)}</span></button>
      </Menu.Target>
      <Menu.Dropdown>
        {rest.map((e) => <Menu.Item key={e.to} component={Link} to={e.to} search={keepTime as never} leftSection={<Icon name={e.icon} size={16} />} aria-current={e === here ? 'page' : undefined}>{t(e.label)}</Menu.Item>)}
      </Menu.Dropdown>
    </Menu>
  );
}

function ThemeMenu(): ReactNode {
  const t = useT();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Menu position="bottom-end">
      <Menu.Target><ActionIcon variant="default" aria-label={`${t(m.theme)}, ${t(m.language)}`}><Icon name="theme" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{t(m.theme)}</Menu.Label>
        {([['auto', m.system], ['light', m.light], ['dark', m.dark]] as const).map(([scheme, label]) => (
          <Menu.Item key={scheme} onClick={() => setColorScheme(scheme)} rightSection={colorScheme === scheme ? <Icon name="check" size={14} /> : undefined}>{t(label)}</Menu.Item>
        ))}
        <Menu.Label>{t(m.language)}</Menu.Label>
        {([['en', 'English'], ['zh', '中文']] as const).map(([id, name]) => (
          <Menu.Item key={id} lang={id} onClick={() => setLanguage(id)} rightSection={language() === id ? <Icon name="check" size={14} /> : undefined}>{name}</Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function UserMenu(): ReactNode {
  const t = useT();
  const { me } = useMe();
  if (!me || me.method === 'anonymous') {
    return <Button component="a" variant="default" href={signInURL()}>{t(m.signIn)}</Button>;
  }
  return (
    <Menu position="bottom-end">
      <Menu.Target><ActionIcon variant="default" aria-label={t(m.user)}><Icon name="user" /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me.user?.display_name || me.name}</Menu.Label>
        {me.user && <Menu.Item component="a" href={`${prefix}/ui/profile`}>{t(m.profile)}</Menu.Item>}
        {me.user && <Menu.Item component={Link} to="/admin">{t(m.tokens)}</Menu.Item>}
        {me.method === 'session' && <Menu.Item onClick={() => void signOut().then(() => window.location.assign(`${prefix}/ui/login`))}>{t(m.signOut)}</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}
