import { Button, Group, Textarea } from '@mantine/core';
import { type ReactNode, useEffect, useState } from 'react';

import { useT } from '../../../i18n';
// What is written here may be of any age.
import '../../../model/old';

const m = {
  apply: { en: 'Apply', zh: '应用' },
  undo: { en: 'Take back', zh: '还原' },
  broken: { en: 'Broken JSON: {error}', zh: 'JSON 格式错误：{error}' },
  object: { en: 'Write an object: { … }', zh: '请输入对象：{ … }' },
  list: { en: 'Write a list: [ … ]', zh: '请输入列表：[ … ]' },
};

/** JSONField edits a value as JSON; it takes effect when it is applied and whole. */
export function JSONField({ label, value, kind, onChange, rows = 18 }: { label: string; value: unknown; kind: 'object' | 'list'; onChange: (v: unknown) => void; rows?: number }): ReactNode {
  const t = useT();
  const now = JSON.stringify(value, null, 2);
  const [text, setText] = useState(now);
  useEffect(() => setText(now), [now]);
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
      <Textarea label={label} value={text} onChange={(e) => setText(e.currentTarget.value)} error={error} rows={rows} spellCheck={false} styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }} />
      {text !== now && (
        <Group gap="xs" mt={6}>
          <Button size="compact-xs" disabled={error !== undefined} onClick={() => onChange(parsed)}>{t(m.apply)}</Button>
          <Button size="compact-xs" variant="default" onClick={() => setText(now)}>{t(m.undo)}</Button>
        </Group>
      )}
    </div>
  );
}
