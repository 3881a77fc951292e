import type { ReactNode } from 'react';

import { useT } from '../../i18n';
import type { BodyProps } from '../contract';
import { choice, text } from '../options';
import { Html, Markdown } from './Markdown';

const m = { cut: { en: 'The text is longer than {n} characters and is cut here.', zh: '文本超过 {n} 个字符，此处已截断。' } };

/** The longest text that is rendered. */
const most = 200_000;

/** Text shows Markdown, HTML or code that a dashboard's author wrote. */
export function Text(p: BodyProps): ReactNode {
  const t = useT();
  const o = p.panel.options;
  const kind = choice(o, 'mode', ['markdown', 'html', 'code'] as const, 'markdown');
  const raw = text(o, 'content');
  const filled = kind === 'code' ? p.replace(raw.slice(0, most), 'text') : p.replace(raw.slice(0, most), 'html');
  return (
    <div className="text-panel" style={{ height: p.height }} tabIndex={0}>
      {kind === 'code' ? <pre>{filled}</pre> : kind === 'html' ? <Html html={filled} /> : <Markdown text={filled} />}
      {raw.length > most && <p className="muted">{t(m.cut, { n: most })}</p>}
    </div>
  );
}
