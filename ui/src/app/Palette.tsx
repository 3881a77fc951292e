import { Modal, TextInput } from '@mantine/core';
import { useQueries } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { type ReactNode, useDeferredValue, useState } from 'react';

import { useT } from '../i18n';
import { Icon } from '../ui/icons';
import { areas } from './areas';
import { keepTime } from './Frame';
import { inOrder } from './kinds';
import { menu } from './menu';
import { type Found, rank } from './search';
import { subpages } from './subpages';

const m = {
  type: { en: 'A page, dashboard, metric, alert or incident', zh: '页面、仪表盘、指标、告警或事件' },
  pages: { en: 'Pages', zh: '页面' },
  none: { en: 'Nothing fits "{text}"', zh: '没有与“{text}”匹配的内容' },
};

const sources = areas.flatMap((a) => a.sources ?? []);

/** How many of each kind are shown. */
const most = 8;

/** Palette finds whatever has a page of its own. */
export function Palette({ close }: { close: () => void }): ReactNode {
  const t = useT();
  const navigate = useNavigate();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const asked = useDeferredValue(text);
  const answers = useQueries({
    queries: sources.map((s) => ({ queryKey: ['palette', t(s.name), asked], queryFn: ({ signal }: { signal: AbortSignal }) => s.find(asked, signal), staleTime: 10_000, retry: false })),
  });
  // Until something is typed, those of the rail will do.
  const pages = [...menu, ...(text.trim() === '' ? [] : subpages.map((p) => ({ ...p, key: '' })))]
    .map((e): [number, Found] => [rank(t(e.label), text) || rank(e.label.en, text), { id: e.to, icon: e.icon, label: t(e.label), hint: e.key ? `g ${e.key}` : undefined, to: e.to }])
    .filter(([n]) => n > 0)
    .sort((a, b) => b[0] - a[0])
    .map(([, f]) => f);
  const groups = inOrder([{ kind: m.pages.en, name: t(m.pages), found: pages.slice(0, most) }, ...sources.map((s, i) => ({ kind: s.name.en, name: t(s.name), found: (answers[i]?.data ?? []).slice(0, most) }))].filter((g) => g.found.length > 0), text);
  const all = groups.flatMap((g) => g.found);
  const chosen = Math.min(at, all.length - 1);
  const go = (f: Found | undefined): void => {
    if (!f) return;
    close();
    const [path, query] = f.to.split('?', 2);
    const search = query ? Object.fromEntries(new URLSearchParams(query)) : {};
    void navigate({ to: path, search: (old: Record<string, unknown>) => ({ ...keepTime(old), ...search }) } as never);
  };
  return (
    <Modal opened onClose={close} withCloseButton={false} padding={0} size={620} yOffset="10vh">
      <TextInput size="md" variant="unstyled" px="md" placeholder={t(m.type)} aria-label={t(m.type)} value={text} data-autofocus leftSection={<Icon name="search" />}
        role="combobox" aria-expanded aria-controls="palette" aria-activedescendant={all[chosen] ? `palette-${chosen}` : undefined}
        onChange={(e) => { setText(e.currentTarget.value); setAt(0); }}
        onKeyDown={(e) => {
          if (e.key === 'ArrowDown') { e.preventDefault(); setAt(Math.min(chosen + 1, all.length - 1)); }
          if (e.key === 'ArrowUp') { e.preventDefault(); setAt(Math.max(chosen - 1, 0)); }
          if (e.key === 'Enter') { e.preventDefault(); go(all[chosen]); }
        }} />
      <div id="palette" role="listbox" aria-label={t(m.type)} style={{ borderTop: '1px solid var(--line)', maxHeight: '56vh', overflowY: 'auto', padding: 6 }}>
        {groups.map((g) => (
          <div key={g.name} role="group" aria-label={g.name}>
            <div className="muted" style={{ padding: '6px 10px 2px', fontSize: 11 }} aria-hidden>{g.name}</div>
            {g.found.map((f) => {
              const n = all.indexOf(f);
              return (
                <div key={f.id} id={`palette-${n}`} role="option" aria-selected={n === chosen} onMouseMove={() => setAt(n)} onClick={() => go(f)}
                  style={{ display: 'flex', gap: 10, alignItems: 'center', padding: '6px 10px', borderRadius: 6, cursor: 'pointer', background: n === chosen ? 'var(--page)' : undefined }}>
                  <Icon name={f.icon} size={16} />
                  <span className="ellipsis">{f.label}</span>
                  {f.hint && <span className="muted ellipsis" style={{ marginLeft: 'auto', fontSize: 11 }}>{f.hint}</span>}
                </div>
              );
            })}
          </div>
        ))}
        {all.length === 0 && <div className="empty">{t(m.none, { text })}</div>}
      </div>
    </Modal>
  );
}
