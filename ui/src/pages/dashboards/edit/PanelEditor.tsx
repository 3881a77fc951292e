import { Tabs } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';

import { useT } from '../../../i18n';
import type { Placed } from '../../../model';
import type { PanelJSON } from '../draft';
import { modernPanel } from '../editable';
import { type Shared, Slot } from '../Slot';
import { JSONField } from './JSONField';
import { Options } from './Options';
import { Overrides, withoutEmpty } from './Overrides';
import { Queries } from './Queries';
import { Transformations } from './Transformations';

const m = {
  queries: { en: 'Queries', zh: '查询' },
  transformations: { en: 'Transformations', zh: '转换' },
  json: { en: 'JSON', zh: 'JSON' },
  options: { en: 'Options', zh: '选项' },
  overrides: { en: 'Overrides', zh: '覆盖' },
  whole: { en: 'The whole panel', zh: '整个面板' },
};

const noRepeat: readonly string[] = ['adhoc', 'groupby', 'system', 'unknown', 'textbox'];

/** How long after the last key the panel is drawn anew, in milliseconds. */
const pause = 350;

/** PanelEditor shows a panel beside all that can be said about it. */
export function PanelEditor({ placed, shared, onChange }: { placed: Placed; shared: Shared; onChange: (to: PanelJSON) => void }): ReactNode {
  const t = useT();
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const { panel } = placed;
  // What is typed stands here at once, and becomes the dashboard's after a pause.
  const [json, setJSON] = useState<PanelJSON>(() => modernPanel({ ...panel.raw, id: panel.id, gridPos: panel.gridPos }, panel));
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const pending = useRef<PanelJSON | undefined>(undefined);
  const out = useRef(onChange);
  out.current = onChange;
  const change = (to: PanelJSON): void => {
    const kept = { ...to, id: panel.id };
    setJSON(kept);
    const said = withoutEmpty(kept);
    pending.current = said;
    clearTimeout(timer.current);
    timer.current = setTimeout(() => {
      pending.current = undefined;
      out.current(said);
    }, pause);
  };
  useEffect(() => () => {
    clearTimeout(timer.current);
    if (pending.current) out.current(pending.current);
  }, []);
  useEffect(() => {
    const observer = new ResizeObserver(([e]) => { if (e) setWidth(Math.floor(e.contentRect.width)); });
    if (box.current) observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  const { sources } = shared;
  const variables = Object.values(shared.scope.values).filter((v) => !noRepeat.includes(v.type)).map((v) => v.name);
  return (
    <div className="dash-edit">
      <div>
        <div ref={box} style={{ height: 360, marginBottom: 12 }}>{width > 0 && <Slot placed={placed} width={width} height={360} active shared={shared} bare />}</div>
        <Tabs defaultValue="queries" keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="queries">{t(m.queries)}</Tabs.Tab>
            <Tabs.Tab value="transformations">{t(m.transformations)}</Tabs.Tab>
            <Tabs.Tab value="json">{t(m.json)}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="queries" pt="sm"><Queries json={json} sources={sources} change={change} /></Tabs.Panel>
          <Tabs.Panel value="transformations" pt="sm"><Transformations json={json} change={change} /></Tabs.Panel>
          <Tabs.Panel value="json" pt="sm" keepMounted><JSONField label={t(m.whole)} value={json} kind="object" onChange={(v) => change(v as PanelJSON)} rows={24} /></Tabs.Panel>
        </Tabs>
      </div>
      <div className="card card-body">
        <Tabs defaultValue="options" keepMounted={false}>
          <Tabs.List>
            <Tabs.Tab value="options">{t(m.options)}</Tabs.Tab>
            <Tabs.Tab value="overrides">{t(m.overrides)}</Tabs.Tab>
          </Tabs.List>
          <Tabs.Panel value="options" pt="sm"><Options json={json} variables={variables} change={change} /></Tabs.Panel>
          <Tabs.Panel value="overrides" pt="sm"><Overrides json={json} change={change} /></Tabs.Panel>
        </Tabs>
      </div>
    </div>
  );
}
