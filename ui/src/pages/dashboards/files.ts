/** fileName makes a name that every file system takes. */
export function fileName(title: string, ext: string): string {
  const name = title.replace(/[\\/:*?"<>|\p{Cc}]+/gu, '-').trim().slice(0, 100);
  return `${name || 'dashboard'}.${ext}`;
}
