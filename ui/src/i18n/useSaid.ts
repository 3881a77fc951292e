import { inChinese } from './late';

const said = inChinese(() => import('./said'));

const asItIs = (text: string): string => text;

/** useSaid gives what the server says in a sentence in the reader's language. */
export const useSaid = (): ((text: string) => string) => {
  const words = said.use();
  return words ? words.say : asItIs;
};
