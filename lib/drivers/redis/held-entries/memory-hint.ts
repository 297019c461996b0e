/** Strings of this many bytes live in a part of the heap that V8 clears only now and then. */
export const LARGE = 131_072;
/** Most bytes of a hint, in multiples of the message's bytes. */
const MOST_TIMES = 6;
/** Bytes of all hints together, in a process whose messages fill `maxReadBytes`. */
const TOGETHER = 50_331_648;
/**
 * After a hint that could not be had, no hint is tried for this long, in milliseconds. V8 collects
 * garbage several times before it gives up, which stops the process for some 40 ms.
 */
const PAUSE = 60_000;

/** By `performance.now()`. */
let nextTry = 0;

/**
 * Tells the garbage collector that a large message takes memory. V8 lets the heap grow to four times
 * what was alive at the last collection, so the payloads of large messages that are done pile up: 230 MB
 * in a process with messages of 1 MB, with any `maxReadBytes`. It collects earlier where buffers
 * outside the heap take 64 MB more than at the last collection. A hint is such a buffer: memory that is
 * reserved and never written to, so that the system gives none. It lives as long as the message.
 *
 * With a larger `maxReadBytes` hints are smaller, since there is memory and collections cost time.
 * @param most `maxReadBytes`
 * @returns undefined where the message is small or no hint can be had
 */
export function memoryHint(size: number, most: number): object | undefined {
  if (size < LARGE || performance.now() < nextTry) return undefined;
  const bytes = Math.floor(size * Math.min(MOST_TIMES, TOGETHER / most));
  try {
    // Only a resizable buffer is sure to be reserved and not written to.
    return new ArrayBuffer(bytes, { maxByteLength: bytes });
  } catch {
    // The system reserves no more memory: the heap grows as it would without hints.
    nextTry = performance.now() + PAUSE;
    return undefined;
  }
}
