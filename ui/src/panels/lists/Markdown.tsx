import { type ReactNode, useLayoutEffect, useRef } from 'react';

import { renderMarkdown } from '../data';
import { fragment } from './sanitize';

/** Html shows HTML of strangers, cleaned. */
export function Html({ html }: { html: string }): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    host.current?.replaceChildren(fragment(html));
  }, [html]);
  return <div ref={host} />;
}

/** Markdown shows Markdown of strangers, cleaned after it is rendered. */
export function Markdown({ text }: { text: string }): ReactNode {
  return <Html html={renderMarkdown(text, { noSanitize: true })} />;
}
