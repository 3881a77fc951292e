import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef } from 'react';

import { useT } from '../../i18n';
import type { Placed } from '../../model';
import { pageOf, tabOf } from './tabIds';

const m = {
  tabs: { en: 'Tabs', zh: '标签页' },
  tab: { en: 'Tab {n}', zh: '标签页 {n}' },
};

/** TabBar chooses among the tabs of a dashboard. Printed it is the heading of the one that follows. */
export function TabBar({ p, turn, printed }: { p: Placed; turn: (param: string, slug: string) => void; printed: boolean }): ReactNode {
  const t = useT();
  const list = useRef<HTMLDivElement>(null);
  const { tabs, at, param } = p.bar!;
  // A link may lead to a tab that a phone has no room for.
  useLayoutEffect(() => {
    const box = list.current;
    const tab = box?.children[at] as HTMLElement | undefined;
    if (box && tab && (tab.offsetLeft < box.scrollLeft || tab.offsetLeft + tab.offsetWidth > box.scrollLeft + box.clientWidth)) box.scrollLeft = tab.offsetLeft - 24;
  }, [at]);
  const data = { 'data-panel-id': p.panel.id, 'data-panel-type': 'tabs', 'data-panel-state': 'data' };
  if (printed) {
    return <div className="dash-row" {...data}><h2 id={tabOf(tabs[0]!.key)} className="ellipsis" style={{ fontSize: 15 }}>{tabs[0]!.title || t(m.tab, { n: 1 })}</h2></div>;
  }
  // Arrows go from tab to tab, and Enter shows one: each that is shown asks for its data.
  const onKeyDown = (e: KeyboardEvent<HTMLDivElement>): void => {
    const all = [...e.currentTarget.children] as HTMLElement[];
    const here = all.indexOf(e.target as HTMLElement);
    const to = { ArrowRight: here + 1, ArrowLeft: here - 1 + all.length, Home: 0, End: all.length - 1 }[e.key];
    if (to === undefined || here < 0) return;
    e.preventDefault();
    all[to % all.length]!.focus();
  };
  return (
    <div className="dash-tabs" role="tablist" aria-label={t(m.tabs)} ref={list} onKeyDown={onKeyDown} {...data}>
      {tabs.map((tab, i) => (
        <button key={tab.key} type="button" role="tab" id={tabOf(tab.key)} data-tab={tab.key} aria-selected={i === at} aria-controls={i === at ? pageOf(tab.key) : undefined} tabIndex={i === at ? 0 : -1} onClick={() => turn(param, tab.slug)}>
          {tab.title || t(m.tab, { n: i + 1 })}
        </button>
      ))}
    </div>
  );
}
