// Where time is in a drawing, in its pixels.

export interface TimeAxis {
  /** place is where a moment is, undefined where the drawing does not have it. */
  place: (at: number) => number | undefined;
  /** at is the moment of a place, undefined beside the axis. */
  at: (x: number) => number | undefined;
  /** Where its upright lines begin, and how long they are. */
  top: number;
  height: number;
}

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}

/** rangeAxis has a range of time from the left to the right of a box. */
export function rangeAxis(range: { from: number; to: number }, box: Box): TimeAxis {
  const length = range.to - range.from;
  return {
    place: (at) => (at < range.from || at > range.to || length <= 0 ? undefined : box.x + ((at - range.from) / length) * box.w),
    at: (x) => (x < box.x || x > box.x + box.w || box.w <= 0 ? undefined : range.from + ((x - box.x) / box.w) * length),
    top: box.y, height: box.h,
  };
}

/** stepAxis has moments side by side, each with the same room, as bars have. */
export function stepAxis(times: readonly number[], box: Box): TimeAxis {
  const room = box.w / Math.max(1, times.length);
  // How far from a bar's moment another one may be to be of that bar.
  const reach = times.length > 1 ? Math.abs(times[times.length - 1]! - times[0]!) / (times.length - 1) : 0;
  return {
    place: (at) => {
      let best = -1;
      for (let i = 0; i < times.length; i++) if (best < 0 || Math.abs(times[i]! - at) < Math.abs(times[best]! - at)) best = i;
      return best < 0 || Math.abs(times[best]! - at) > reach ? undefined : box.x + (best + 0.5) * room;
    },
    at: (x) => times[Math.floor((x - box.x) / room)],
    top: box.y, height: box.h,
  };
}
