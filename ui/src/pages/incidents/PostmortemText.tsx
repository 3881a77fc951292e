import '../../panels/panels.css';

import type { ReactNode } from 'react';

import { Markdown } from '../../panels/lists/Markdown';

/** PostmortemText is a part of its own, since the reader of Markdown comes with the panels and is not small. */
export default function PostmortemText({ text, label }: { text: string; label: string }): ReactNode {
  return <div className="text-panel" tabIndex={0} role="document" aria-label={label} style={{ maxHeight: '65vh', padding: 12, border: '1px solid var(--line)', borderRadius: 6 }}><Markdown text={text} /></div>;
}
