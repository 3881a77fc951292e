// The dashboards and rules that ship have English words, as they are given to any
// Grafana and Prometheus. Here they are shown in Chinese where that is read; what
// is kept, edited, exported and told stays as it is.
import type { DashboardMeta } from '../api/dashboards';
import { inChinese } from '../i18n/late';

/** The words of what ships: undefined in English. */
export const stock = inChinese(() => import('./chinese'));

export type Stock = typeof import('./chinese');

/** titleOf is the title of a dashboard in the reader's language. */
export const titleOf = (d: Pick<DashboardMeta, 'title' | 'shipped'>, words: Stock | undefined): string => (d.shipped && words ? words.say(d.title) : d.title);

/** retitled gives dashboards with the titles that the reader sees. */
export const retitled = <T extends Pick<DashboardMeta, 'title' | 'shipped'>>(list: T[], words: Stock | undefined): T[] =>
  (words && list.some((d) => d.shipped) ? list.map((d) => ({ ...d, title: titleOf(d, words) })) : list);

const asItIs = (text: string): string => text;

/** useSummary gives the summaries of alerts, and titles of incidents, in the reader's language, where their rule ships. */
export const useSummary = (): ((text: string) => string) => stock.use()?.summary ?? asItIs;

/** fits tells whether each word of a search is in a text, as the server looks for them. */
export const fits = (text: string, typed: string): boolean => typed.toLowerCase().split(/\s+/).every((w) => text.toLowerCase().includes(w));
