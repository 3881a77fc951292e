/** errorAt finds where an error of the server's parser is: "1:9: parse error: …" counts lines and columns from one, in bytes. */
export function errorAt(message: string, text: string): { from: number; to: number; message: string } | undefined {
  const hit = /(\d+):(\d+): (parse error: .*)$/s.exec(message);
  if (!hit) return undefined;
  const lines = text.split('\n');
  const line = Math.min(Number(hit[1]), lines.length) - 1;
  let from = 0;
  for (let i = 0; i < line; i++) from += lines[i]!.length + 1;
  // A column counts bytes, and a position in the editor UTF-16 units.
  let bytes = Number(hit[2]) - 1;
  for (const c of lines[line]!) {
    if (bytes <= 0) break;
    bytes -= new TextEncoder().encode(c).length;
    from += c.length;
  }
  const word = /^[\w:]+|^./.exec(text.slice(from));
  if (!word && from > 0) return { from: from - 1, to: from, message: hit[3]! };
  return { from, to: Math.min(text.length, from + (word?.[0].length ?? 0)), message: hit[3]! };
}
