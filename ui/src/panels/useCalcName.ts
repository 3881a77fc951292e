import { inChinese } from '../i18n/late';
import { fieldReducers } from './data';

const chinese = inChinese(() => import('./calcs'));

/** useCalcName gives the short heading of a calculation: Grafana's, or ours in Chinese. */
export function useCalcName(): (id: string) => string {
  const words = chinese.use();
  return (id) => words?.named(id) ?? fieldReducers.getIfExists(id)?.name ?? id;
}
