/** save hands a text to the reader as a file. */
export function save(name: string, body: string | Blob, type = 'application/json'): void {
  const url = URL.createObjectURL(typeof body === 'string' ? new Blob([body], { type }) : body);
  const a = document.createElement('a');
  a.href = url;
  a.download = name;
  a.click();
  // The browser reads it after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** fileName makes a name that every file system takes. */
export function fileName(title: string, ext: string): string {
  const name = title.replace(/[\\/:*?"<>|\p{Cc}]+/gu, '-').trim().slice(0, 100);
  return `${name || 'dashboard'}.${ext}`;
}
