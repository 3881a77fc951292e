import type { MenuEntry } from './menu';
import type { Source } from './search';

/** A page: its path below /ui, and the module that draws it, loaded when it is first looked at. */
export interface PageRoute {
  path: string;
  load: () => Promise<unknown>;
  /** The component that the module exports. */
  name: string;
}

/** A part of the console: what it adds to the rail, to the addresses and to the search. */
export interface Area {
  menu: MenuEntry[];
  routes: PageRoute[];
  sources?: Source[];
}
