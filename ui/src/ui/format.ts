import type { Language } from '../i18n';

/** figure gives a number with three significant digits and its unit apart, such as {number: "1.23", unit: "MiB/s"}. */
export function figure(value: number, unit: '' | 'bytes' | 'bytes/s' | 'percent' | 'ratio' | 'seconds' | 'per second' = ''): { number: string; unit: string } {
  if (!Number.isFinite(value)) return { number: Number.isNaN(value) ? '–' : value > 0 ? '∞' : '-∞', unit: '' };
  switch (unit) {
    case 'ratio':
      return { number: digits(value * 100), unit: '%' };
    case 'percent':
      return { number: digits(value), unit: '%' };
    case 'seconds':
      return span(value * 1000);
    case 'bytes':
    case 'bytes/s': {
      const tail = unit === 'bytes' ? '' : '/s';
      const steps = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
      let i = 0;
      let v = value;
      while (Math.abs(v) >= 999.5 && i < steps.length - 1) {
        v /= 1024;
        i++;
      }
      return { number: i === 0 ? digits(Math.round(v)) : digits(v), unit: steps[i] + tail };
    }
    default: {
      const steps = ['', 'k', 'M', 'G', 'T', 'P'];
      let i = 0;
      let v = value;
      while (Math.abs(v) >= 9999.5 && i < steps.length - 1) {
        v /= 1000;
        i++;
      }
      return { number: digits(v), unit: steps[i] + (unit === 'per second' ? '/s' : '') };
    }
  }
}

/** digits rounds to three significant digits, and keeps whole numbers below 10,000 whole. */
export function digits(v: number): string {
  if (v === 0) return '0';
  if (Number.isInteger(v) && Math.abs(v) < 10_000) return String(v);
  const abs = Math.abs(v);
  if (abs >= 100) return String(Math.round(v));
  if (abs < 0.001) return v.toExponential(1);
  return String(Number(v.toPrecision(3)));
}

/** span is a length of time in milliseconds, in its largest fitting unit. */
export function span(ms: number): { number: string; unit: string } {
  const abs = Math.abs(ms);
  if (abs < 1) return { number: digits(ms * 1000), unit: 'µs' };
  if (abs < 1000) return { number: digits(ms), unit: 'ms' };
  if (abs < 60_000) return { number: digits(ms / 1000), unit: 's' };
  if (abs < 3_600_000) return { number: digits(Math.round(ms / 6000) / 10), unit: 'min' };
  if (abs < 86_400_000) return { number: digits(Math.round(ms / 360_000) / 10), unit: 'h' };
  return { number: digits(Math.round(ms / 8_640_000) / 10), unit: 'd' };
}

/** ago says how long something is past, or ahead where ms is negative. */
export function ago(ms: number, l: Language): string {
  const abs = Math.abs(ms);
  const [n, en, zh] =
    abs < 90_000 ? [Math.round(abs / 1000), 's', '秒'] : abs < 5_400_000 ? [Math.round(abs / 60_000), 'm', '分钟'] : abs < 129_600_000 ? [Math.round(abs / 3_600_000), 'h', '小时'] : [Math.round(abs / 86_400_000), 'd', '天'];
  if (l === 'zh') return ms < 0 ? `${n} ${zh}后` : `${n} ${zh}前`;
  return ms < 0 ? `in ${n} ${en}` : `${n} ${en} ago`;
}

/** clock is the time of day of a moment, in a zone. */
export function clock(ms: number, l: Language, zone = 'browser', withDate = false): string {
  return new Intl.DateTimeFormat(l === 'zh' ? 'zh-CN' : 'en-GB', {
    timeZone: zone === 'browser' ? undefined : zone === 'utc' ? 'UTC' : zone,
    hourCycle: 'h23', hour: '2-digit', minute: '2-digit', second: '2-digit',
    ...(withDate ? { year: 'numeric', month: '2-digit', day: '2-digit' } : {}),
  }).format(ms);
}
