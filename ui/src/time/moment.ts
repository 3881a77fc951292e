/** moment is a time with its microseconds, in milliseconds. Date.parse leaves out what is below a millisecond. */
export function moment(text: string): number {
  const fraction = /\.\d{3}(\d+)/.exec(text)?.[1];
  return Date.parse(text) + (fraction ? Number(`0.${fraction}`) : 0);
}
