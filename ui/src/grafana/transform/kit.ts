// What the transformations here have in common: each is a function from frames to frames.
import { FieldType, getFieldDisplayName, type DataFrame, type Field } from '@grafana/data';

import type { Json } from '../../model/read';

export type Transform = (frames: DataFrame[], options: Json, warn: (en: string, zh: string) => void) => DataFrame[];

export const nameOf = (field: Field, frame: DataFrame, frames: DataFrame[]): string => getFieldDisplayName(field, frame, frames);

export const timeOf = (frame: DataFrame): Field | undefined => frame.fields.find((f) => f.type === FieldType.time);

export const numbersOf = (frame: DataFrame): Field[] => frame.fields.filter((f) => f.type === FieldType.number);

/** bare copies a field without what was computed of it. */
export const bare = (f: Field, change: Partial<Field> = {}): Field => ({ ...f, state: undefined, display: undefined, config: { ...f.config }, ...change });

export const frame = (fields: Field[], of: Partial<DataFrame> = {}): DataFrame => ({ ...of, fields, length: Math.max(0, ...fields.map((f) => f.values.length)) });
