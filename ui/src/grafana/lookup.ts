// What ${__field.…}, ${__series.…}, ${__value.…} and ${__data.…} mean for a value of a frame.
import { getFieldDisplayName, getFrameDisplayName, FieldType, formattedValueToString, type DataFrame, type DisplayValue, type Field, type ScopedVars } from '@grafana/data';

import { text } from '../model/read';

interface Context {
  data: DataFrame[];
  frame: DataFrame;
  frameIndex: number;
  field: Field;
  rowIndex?: number;
  calculatedValue?: DisplayValue;
}

type Lookup = (name: string, path: string) => string | undefined;

const shown = (field: Field, value: unknown): DisplayValue => (field.display ? field.display(value) : { text: text(value), numeric: Number(value) });

function part(field: Field, row: number, kind: string, frame: DataFrame): string {
  const value: unknown = field.values[row];
  switch (kind) {
    case 'numeric':
      return String(shown(field, value).numeric);
    case 'raw':
      return text(value);
    case 'time':
      return text(frame.fields.find((f) => f.type === FieldType.time)?.values[row]);
    default:
      return formattedValueToString(shown(field, value));
  }
}

/** lookupOf reads the context that the package hands along with a text to fill in. */
export function lookupOf(vars: ScopedVars | undefined): Lookup | undefined {
  const c = vars?.__dataContext?.value as Context | undefined;
  if (!c) return undefined;
  return (name, path) => {
    switch (name) {
      case '__series':
        return path === 'name' ? getFrameDisplayName(c.frame, c.frameIndex) : undefined;
      case '__field': {
        if (path === 'name') return c.field.name;
        if (path === 'displayName') return getFieldDisplayName(c.field, c.frame, c.data);
        const label = /^labels(?:\.(.+)|\[["']?(.+?)["']?\])$/.exec(path);
        if (label) return c.field.labels?.[(label[1] ?? label[2])!] ?? '';
        return path === 'labels' ? Object.entries(c.field.labels ?? {}).map(([k, v]) => `${k}="${v}"`).join(', ') : undefined;
      }
      case '__value': {
        if (path === 'calc') return text((vars?.__calc as { value?: unknown } | undefined)?.value);
        const calculated = c.calculatedValue;
        if (calculated) return path === 'numeric' || path === 'raw' ? String(calculated.numeric) : path === 'time' ? '' : formattedValueToString(calculated);
        return c.rowIndex === undefined ? undefined : part(c.field, c.rowIndex, path, c.frame);
      }
      case '__data': {
        if (path === 'refId') return c.frame.refId ?? '';
        const m = /^fields(?:\[(\d+)\]|\[["'](.+?)["']\]|\.([^.[\]]+))(?:\.(\w+))?$/.exec(path);
        if (!m || c.rowIndex === undefined) return undefined;
        const wanted = m[2] ?? m[3];
        const field = m[1] !== undefined ? c.frame.fields[Number(m[1])] : c.frame.fields.find((f) => f.name === wanted || getFieldDisplayName(f, c.frame, c.data) === wanted);
        return field ? part(field, c.rowIndex, m[4] ?? 'text', c.frame) : '';
      }
      default:
        return undefined;
    }
  };
}
