// Where the pointer is in time, for all panels of one key.

type Told = (at: number | undefined, from: symbol) => void;

const rooms = new Map<string, Set<Told>>();

/** follow tells of each move until the function that it gives is called. */
export function follow(key: string, told: Told): () => void {
  let room = rooms.get(key);
  if (!room) rooms.set(key, (room = new Set()));
  room.add(told);
  const here = room;
  return () => {
    here.delete(told);
    if (here.size === 0 && rooms.get(key) === here) rooms.delete(key);
  };
}

/** point says where the pointer is, in milliseconds, or that it has left. */
export function point(key: string | undefined, at: number | undefined, from: symbol): void {
  if (key !== undefined) rooms.get(key)?.forEach((told) => told(at, from));
}

/** followers counts who listens: none may be left when panels are gone. */
export function followers(): number {
  let n = 0;
  for (const room of rooms.values()) n += room.size;
  return n;
}
