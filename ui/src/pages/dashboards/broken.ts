// Where a text stops being JSON. Browsers say that each in their own words, and some not at all.

const space = /[ \t\n\r]*/y;
const string = /"[^"\\\u0000-\u001f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\u0000-\u001f]*)*"/y;
const word = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** brokenAt is the offset of the first that cannot stand there; that of a string that is broken is its begin. */
export function brokenAt(text: string): number {
  let at = 0;
  const takes = (r: RegExp): boolean => {
    r.lastIndex = at;
    const found = r.test(text);
    if (found) at = r.lastIndex;
    return found;
  };
  const open: ('}' | ']')[] = [];
  // What may come: a value, a name, or what follows a value; a list or an object that has just begun may end.
  let want: 'value' | 'name' | 'next' = 'value';
  let begun = false;
  for (;;) {
    takes(space);
    const c = text[at];
    const end = open.at(-1);
    if (c !== undefined && c === end && (begun || want === 'next')) {
      at++;
      open.pop();
      want = 'next';
      begun = false;
    } else if (want === 'next') {
      if (c !== ',' || end === undefined) return at;
      at++;
      want = end === '}' ? 'name' : 'value';
    } else if (want === 'name') {
      begun = false;
      if (!takes(string)) return at;
      takes(space);
      if (text[at] !== ':') return at;
      at++;
      want = 'value';
    } else if (c === '{' || c === '[') {
      at++;
      open.push(c === '{' ? '}' : ']');
      want = c === '{' ? 'name' : 'value';
      begun = true;
    } else {
      begun = false;
      if (!takes(string) && !takes(word)) return at;
      want = 'next';
    }
  }
}

/** placeOf is the line and the column of an offset, both from 1. */
export function placeOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, column: offset - before.lastIndexOf('\n') };
}
