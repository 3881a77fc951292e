import type { ReactNode } from 'react';

/** Toggle is a switch of the browser's own: a dashboard loads no library for it. */
export function Toggle({ label, children, checked, onChange }: { label?: string; children?: ReactNode; checked: boolean; onChange: (on: boolean) => void }): ReactNode {
  return (
    <label className="toggle">
      <input type="checkbox" role="switch" aria-label={label} checked={checked} onChange={(e) => onChange(e.currentTarget.checked)} />
      {children}
    </label>
  );
}
