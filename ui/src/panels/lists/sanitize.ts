// HTML of strangers: what may run or reach another host is taken out, and of
// style attributes only harmless properties are kept, set through the CSSOM,
// because the content security policy forbids the attributes themselves.
import createDOMPurify, { type DOMPurify } from 'dompurify';

import { leavesServer, linkProps } from '../links';

const properties = new Set([
  'color', 'background-color', 'text-align', 'vertical-align', 'font-size', 'font-weight', 'font-style', 'text-decoration', 'line-height', 'white-space', 'display',
  'justify-content', 'align-items', 'flex', 'flex-direction', 'flex-wrap', 'gap', 'width', 'height', 'max-width', 'max-height', 'min-width', 'min-height',
  'padding', 'padding-top', 'padding-right', 'padding-bottom', 'padding-left', 'margin', 'margin-top', 'margin-right', 'margin-bottom', 'margin-left',
  'border', 'border-top', 'border-right', 'border-bottom', 'border-left', 'border-radius', 'border-color', 'border-width', 'border-style', 'opacity', 'float', 'list-style-type',
]);

/** safeStyle keeps the declarations of a style attribute that can change neither place nor origin. */
export function safeStyle(text: string): [property: string, value: string][] {
  const out: [string, string][] = [];
  for (const part of text.slice(0, 4000).split(';')) {
    const at = part.indexOf(':');
    if (at < 0) continue;
    const name = part.slice(0, at).trim().toLowerCase();
    const value = part.slice(at + 1).replace(/!important/i, '').trim();
    if (name === 'background' && /^(#[0-9a-f]{3,8}|[a-z]+|rgba?\([\d\s.,%]+\))$/i.test(value)) out.push(['background-color', value]);
    else if (properties.has(name) && /^[\w\s.,#%()+-]{1,200}$/.test(value) && !/(url|expression|var|env|attr|image|element)\s*\(/i.test(value) && !/^-|\s-/.test(value)) out.push([name, value]);
  }
  return out;
}

let purifier: DOMPurify | undefined;

function purify(): DOMPurify {
  if (purifier) return purifier;
  const made = createDOMPurify(window);
  made.addHook('uponSanitizeAttribute', (_node, data) => {
    if (data.attrName === 'style') {
      data.attrName = 'data-look';
      data.attrValue = JSON.stringify(safeStyle(data.attrValue));
      data.keepAttr = false;
      (_node as Element).setAttribute('data-look', data.attrValue);
    }
  });
  made.addHook('afterSanitizeAttributes', (node) => {
    if (node.tagName === 'A') {
      const props = linkProps(node.getAttribute('href'), node.getAttribute('target') === '_blank');
      node.removeAttribute('target');
      if (!props) node.removeAttribute('href');
      else {
        node.setAttribute('href', props.href);
        if (props.target) node.setAttribute('target', props.target);
        if (props.rel) node.setAttribute('rel', props.rel);
      }
    }
    if (node.tagName === 'IMG') {
      const src = node.getAttribute('src') ?? '';
      // Nothing is fetched from another host, and from this one files only: the address is shown instead.
      const here = !leavesServer(src) && /^[^?#]+\.(png|jpe?g|gif|webp|svg)$/i.test(src);
      if (!here && !/^data:image\/(png|jpeg|gif|webp);/i.test(src)) {
        const a = node.ownerDocument.createElement('span');
        a.className = 'muted';
        a.textContent = `[${node.getAttribute('alt') || src.slice(0, 200)}]`;
        node.replaceWith(a);
      }
    }
  });
  purifier = made;
  return made;
}

/** fragment gives HTML as nodes that may be put into the page. */
export function fragment(html: string): DocumentFragment {
  const out = purify().sanitize(html, {
    RETURN_DOM_FRAGMENT: true,
    FORBID_TAGS: ['style', 'form', 'input', 'button', 'textarea', 'select', 'iframe', 'object', 'embed', 'audio', 'video', 'source', 'link', 'meta', 'base', 'svg', 'math'],
    FORBID_ATTR: ['id', 'name', 'srcset', 'background', 'poster', 'action', 'formaction'],
    ALLOW_DATA_ATTR: false,
    ADD_ATTR: ['data-look'],
  });
  for (const el of out.querySelectorAll<HTMLElement>('[data-look]')) {
    let look: unknown;
    try {
      look = JSON.parse(el.getAttribute('data-look') ?? '[]');
    } catch {
      look = [];
    }
    el.removeAttribute('data-look');
    // Checked again, since the author may have written the attribute himself.
    if (Array.isArray(look)) for (const [k, v] of safeStyle(look.map((d: unknown) => (Array.isArray(d) ? `${String(d[0])}:${String(d[1])}` : '')).join(';'))) el.style.setProperty(k, v);
  }
  return out;
}
