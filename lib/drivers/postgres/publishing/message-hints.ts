import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';

export const MESSAGES = 'messages';

/** Tells that there may be something to read. Call it after the commit. */
export function tellOfMessages(hints: Hints, streams: Iterable<number>): void {
  const words = new Set(Array.from(streams, String));
  if (words.size > 0) hints.tell(MESSAGES, ...words);
}

/**
 * Calls back where there may be something to read in one of these streams. Returns a function that
 * ends it.
 */
export function onMessages(
  listener: Listener,
  isRead: (stream: number) => boolean,
  heard: () => void,
): () => void {
  return listener.on(MESSAGES, (words) => {
    if (words.length === 0 || words.some((word) => isRead(Number(word)))) heard();
  });
}
