import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';

const KIND = 'handed';

/** Names a consumer of a group. */
const wordOf = (group: string, consumer: string): string => JSON.stringify([group, consumer]);

/** Tells a consumer that entries wait for it. Call it after the commit. */
export function tellOfHanded(hints: Hints, group: string, consumer: string): void {
  hints.tell(KIND, wordOf(group, consumer));
}

/** Calls back where entries may wait for this consumer. Returns a function that ends it. */
export function onHanded(
  listener: Listener,
  { group, consumer }: { readonly group: string; readonly consumer: string },
  heard: () => void,
): () => void {
  const own = wordOf(group, consumer);
  return listener.on(KIND, (words) => {
    if (words.length === 0 || words.includes(own)) heard();
  });
}
