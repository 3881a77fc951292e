import { Button, Group, Textarea } from '@mantine/core';
import { type ReactNode, useState } from 'react';

import { useT } from '../../../i18n';
// What is written here may be of any age and form.
import '../v2/edits';

const m = {
  apply: { en: 'Apply', zh: '应用' },
  undo: { en: 'Take back', zh: '还原' },
  broken: { en: 'Broken JSON: {error}', zh: 'JSON 格式错误：{error}' },
  object: { en: 'Write an object: { … }', zh: '请输入对象：{ … }' },
  moved: { en: 'It has been changed elsewhere since you began to type; applying this replaces that.', zh: '开始输入后，该内容已在别处更改；应用将覆盖这些更改。' },
  list: { en: 'Write a list: [ … ]', zh: '请输入列表：[ … ]' },
};

/** JSONField edits a value as JSON; it takes effect when it is applied and whole. */
export function JSONField({ label, value, kind, onChange, rows = 18 }: { label: string; value: unknown; kind: 'object' | 'list'; onChange: (v: unknown) => void; rows?: number }): ReactNode {
  const t = useT();
  const now = JSON.stringify(value, null, 2);
  // What is typed stays until it is applied or taken back, whatever else changes the value.
  const [typed, setTyped] = useState<{ text: string; over: string }>();
  const text = typed?.text ?? now;
  let error: string | undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
    const is = Array.isArray(parsed) ? 'list' : typeof parsed === 'object' && parsed !== null ? 'object' : '';
    if (is !== kind) error = t(m[kind]);
  } catch (e) {
    error = t(m.broken, { error: e instanceof Error ? e.message : String(e) });
  }
  return (
    <div>
      <Textarea label={label} value={text} description={typed && typed.over !== now ? t(m.moved) : undefined}
        onChange={(e) => { const to = e.currentTarget.value; setTyped(to === now ? undefined : { text: to, over: typed?.over ?? now }); }} error={error} rows={rows} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
      {typed && (
        <Group gap="xs" mt={6}>
          <Button size="compact-xs" disabled={error !== undefined} onClick={() => { setTyped(undefined); onChange(parsed); }}>{t(m.apply)}</Button>
          <Button size="compact-xs" variant="default" onClick={() => setTyped(undefined)}>{t(m.undo)}</Button>
        </Group>
      )}
    </div>
  );
}
