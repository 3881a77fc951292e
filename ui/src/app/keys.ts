import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';

import { refreshNow } from '../time/state';
import { keepTime } from './Frame';
import { menu } from './menu';

/** How long after g the key of a page may come, in milliseconds. */
const chord = 1200;

/** typing tells whether a key belongs to a field. */
function typing(e: KeyboardEvent): boolean {
  const at = e.target as HTMLElement | null;
  return !!at?.closest('input, textarea, select, [contenteditable=true], .cm-editor');
}

/** useKeys listens to the keys that every page has. */
export function useKeys(palette: () => void, help: () => void): void {
  const navigate = useNavigate();
  const since = useRef(0);
  useEffect(() => {
    const down = (e: KeyboardEvent): void => {
      if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'k') {
        e.preventDefault();
        palette();
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey || typing(e)) return;
      if (since.current > 0 && Date.now() - since.current < chord) {
        since.current = 0;
        const to = menu.find((p) => p.key === e.key);
        if (to) {
          e.preventDefault();
          void navigate({ to: to.to, search: keepTime } as never);
        }
        return;
      }
      switch (e.key) {
        case 'g':
          since.current = Date.now();
          break;
        case '/':
          e.preventDefault();
          palette();
          break;
        case '?':
          help();
          break;
        case 'r':
          refreshNow();
          break;
      }
    };
    window.addEventListener('keydown', down);
    return () => window.removeEventListener('keydown', down);
  }, [navigate, palette, help]);
}
