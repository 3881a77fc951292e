// What texts of a dashboard are filled in with.
import type { RawRange, Range, Zone } from '../time/range';
import type { Filter, Option, VariableType } from './dashboard';

/** The value in Grafana's files and addresses that stands for all options. */
export const allKey = '$__all';

/** A variable as it stands at the moment. */
export interface Current {
  name: string;
  type: VariableType;
  /** One value at least, or ["$__all"], but for a variable without any option. */
  value: string[];
  text: string[];
  multi: boolean;
  /** Whether several values may come (multi or includeAll), which decides on escaping. */
  several: boolean;
  allValue: string | undefined;
  /** Without that of "all". */
  options: Option[];
  filters: Filter[];
  /** Interval variables that choose "auto" themselves: into how many parts of the range, and the least. */
  auto?: { count: number; min: string };
  /** Of a datasource variable: the type of its sources. */
  sourceType?: string;
}

export type Values = Record<string, Current>;

/** A value that holds for one panel or row only, such as that of a repeat, or __interval. */
export interface Scoped {
  value: string | string[];
  text: string | string[];
}

export interface Scope {
  values: Values;
  /** Win over values. */
  scoped?: Record<string, Scoped>;
  raw: RawRange;
  range: Range;
  zone: Zone;
  dashboard?: { title: string; uid: string };
  user?: { id?: number; login: string; email?: string };
  org?: { id: number; name: string };
  /** Of the panel, once known: milliseconds. */
  interval?: number;
  rateInterval?: number;
  /** Gives what ${__field.…}, ${__series.…}, ${__value.…} and ${__data.…} mean where data is at hand. */
  lookup?: (name: string, path: string) => string | undefined;
}
