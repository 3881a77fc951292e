import type { ReactNode } from 'react';

// Line icons on a grid of 20, drawn in the colour of their text.
const shapes = {
  overview: 'M3 11h3l2-6 4 11 2-5h3',
  dashboards: 'M3 3h6v8H3zM11 3h6v4h-6zM11 9h6v8h-6zM3 13h6v4H3z',
  explore: 'M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3zM13.5 13.5 17 17M6.5 9h5M9 6.5v5',
  alerts: 'M10 3a5 5 0 0 0-5 5v3l-1.5 3h13L15 11V8a5 5 0 0 0-5-5zM8.5 17h3',
  incidents: 'M10 3 2.5 16.5h15zM10 8v4M10 14.2v.3',
  watched: 'M2 10s3-5.5 8-5.5S18 10 18 10s-3 5.5-8 5.5S2 10 2 10zM10 7.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
  status: 'M3 5h14v10H3zM6 12V9M10 12V7M14 12v-2',
  admin: 'M10 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 17c0-3.3 2.7-5.5 6-5.5s6 2.2 6 5.5',
  add: 'M10 4v12M4 10h12',
  search: 'M9 3a6 6 0 1 0 0 12A6 6 0 0 0 9 3zM13.5 13.5 17 17',
  refresh: 'M16 10a6 6 0 1 1-1.8-4.3M16 3v3.5h-3.5',
  clock: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 6.5V10l2.5 2',
  close: 'M5 5l10 10M15 5 5 15',
  check: 'M4 10.5 8 14.5 16 5.5',
  warning: 'M10 3 2.5 16.5h15zM10 8v4M10 14.2v.3',
  critical: 'M7 3h6l4 4v6l-4 4H7l-4-4V7zM10 6.5V11M10 13.3v.3',
  info: 'M10 3a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM10 9v4.5M10 6.4v.3',
  quiet: 'M5 10h10',
  down: 'M5 8l5 5 5-5',
  right: 'M8 5l5 5-5 5',
  left: 'M12 5l-5 5 5 5',
  menu: 'M3 5h14M3 10h14M3 15h14',
  star: 'M10 2.8l2.2 4.6 5 .7-3.6 3.5.9 5-4.5-2.4-4.5 2.4.9-5L2.8 8.100l5-.7z',
  link: 'M8 12l4-4M9 6l1.500-1.500a3.500 3.500 0 0 1 5 5L14 11M11 14l-1.500 1.500a3.500 3.500 0 0 1-5-5L6 9',
  more: 'M4.500 10h.1M10 10h.1M15.500 10h.1',
  full: 'M3 7V3h4M17 7V3h-4M3 13v4h4M17 13v4h-4',
  download: 'M10 3v9M6 8.500l4 4 4-4M4 16.500h12',
  edit: 'M4 16l.8-3.200L13 4.500l2.500 2.500-8.300 8.200z',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 10.500h6.600L14 6',
  silence: 'M3 8v4h3l4 3.500v-11L6 8zM13 8l4 4M17 8l-4 4',
  play: 'M6 4l10 6-10 6z',
  theme: 'M10 3a7 7 0 1 0 0 14zM10 3a7 7 0 0 1 0 14',
  language: 'M3 5h8M7 3v2M9.500 5c-.8 3.500-3 6-6 7.500M4.500 8c1.200 2.200 3 3.800 5 4.500M10.500 17l3.500-9 3.500 9M11.700 14h4.600',
  user: 'M10 3a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM4 17c0-3.300 2.700-5.500 6-5.500s6 2.200 6 5.500',
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 18, title }: { name: IconName; size?: number; title?: string }): ReactNode {
  return (
    <svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" strokeWidth={1.5} strokeLinecap="round" strokeLinejoin="round"
      role={title ? 'img' : undefined} aria-label={title} aria-hidden={title ? undefined : true}>
      <path d={shapes[name]} />
    </svg>
  );
}
