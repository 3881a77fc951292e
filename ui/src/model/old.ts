// All readers of old dashboards: who imports this can read any at once.
import { holds } from './conditions';
import { provide } from './late';
import { placeTabs } from './layout-tabs';
import { fromGraph } from './migrate/graph';
import { fromSinglestat, reduced } from './migrate/singlestat';
import { fromTable } from './migrate/table';
import { rowsToPanels } from './rows';
import { fromV2 } from './v2';

provide({ fromGraph, fromSinglestat, reduced, fromTable, rowsToPanels, fromV2, holds, placeTabs });
