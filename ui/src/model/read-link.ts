// Links of panels and dashboards. Whatever is no web address is left out here,
// so that nothing later has to think of "javascript:".
import type { Link } from './dashboard';
import { clip, flag, text, type Json, type Warnings } from './read';

/** safeUrl tells whether following an address can only lead somewhere: no script, no data. Variables may stand anywhere but in the scheme. */
export function safeUrl(url: string): boolean {
  // Browsers skip control characters and blanks within a scheme.
  const seen = url.replace(/[\u0000-\u0020\u007f-\u009f]/g, '');
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(seen);
  if (scheme) return /^(https?|mailto)$/i.test(scheme[1]!);
  return true;
}

const slug = (s: string): string => s.toLowerCase().replace(/[^\w ]+/g, '').trim().replace(/ +/g, '-');

/** readLink reads a link of any age: before schema 21 a panel's link named a dashboard. */
export function readLink(l: Json, path: string, w: Warnings): Link | undefined {
  let url = text(l.url);
  if (url === '' && text(l.dashUri) !== '') url = `dashboard/${text(l.dashUri)}`;
  if (url === '' && text(l.dashboard) !== '') url = `dashboard/db/${slug(text(l.dashboard))}`;
  if (url !== '' && (l.keepTime === true || l.includeVars === true || text(l.params) !== '') && l.type !== 'link') {
    const more = [l.keepTime === true ? '$__url_time_range' : '', l.includeVars === true ? '$__all_variables' : '', text(l.params)].filter((x) => x !== '');
    if (more.length > 0) url += (url.includes('?') ? '&' : '?') + more.join('&');
  }
  if (url === '') return undefined;
  if (!safeUrl(url)) {
    w.add(`${path}.url`, { en: `the link was left out, because only http, https, mailto and relative addresses are followed: ${clip(url, 40)}`, zh: `该链接已移除，仅支持 http、https、mailto 与相对地址：${clip(url, 40)}` });
    return undefined;
  }
  return { title: text(l.title) || url, url, targetBlank: flag(l.targetBlank) };
}
