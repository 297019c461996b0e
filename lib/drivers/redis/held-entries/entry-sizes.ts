import { systemClock } from '../../../core/clock.js';
import type { Fields } from '../../../core/message.js';

/**
 * Most bytes that one reply should have. Larger replies save no time, but need memory here and at
 * the server, which ends the connection at its `client-output-buffer-limit`.
 */
export const REPLY_BYTES = 1_048_576;
/**
 * Replies are not made smaller than this: a network that breaks connections must not slow down
 * reading.
 */
export const LEAST_REPLY_BYTES = 65_536;
/** Time after which larger replies are tried again, in milliseconds. */
const FORGET = 600_000;
/** Assumed size of an entry before any was read: the first read of a stream asks for few. */
const UNKNOWN = 131_072;

/** The expected size of the next entries of each key, by the largest of the last replies. */
export class EntrySizes {
  /** Most bytes of a reply. Fewer for some time after a reply has broken the connection. */
  replyBytes = REPLY_BYTES;
  private boundSince = 0;
  private readonly byKey = new Map<string, number>();
  private knowsAny = false;
  /** Of one entry of any key. */
  largest = UNKNOWN;

  replyBroke(): void {
    this.replyBytes = Math.max(LEAST_REPLY_BYTES, this.replyBytes / 2);
    this.boundSince = systemClock.now();
  }

  /**
   * A read of this many entries of each key broke the connection: the next one asks for half as
   * many.
   */
  readBroke(keys: readonly string[], count: number): void {
    const size = (2 * this.replyBytes) / (count * keys.length);
    for (const key of keys) this.learn(key, Math.max(2 * this.of(key), size));
  }

  knows(key: string): boolean {
    return this.byKey.has(key);
  }

  /** Expected size of one entry of this key. */
  of(key: string): number {
    return this.byKey.get(key) ?? this.largest;
  }

  learnOf(key: string, entries: readonly { readonly fields: Fields }[]): void {
    let largest = 0;
    for (const { fields } of entries) largest = Math.max(largest, sizeOf(fields));
    if (largest > 0) this.learn(key, largest);
  }

  /** @param largest size of the largest entry of the key in one reply */
  learn(key: string, largest: number): void {
    // Larger entries count at once, smaller ones little by little: the next large one may follow soon.
    this.byKey.set(key, Math.max(largest, (this.byKey.get(key) ?? 0) / 2));
    this.largest = Math.max(largest, this.knowsAny ? this.largest / 2 : 0);
    this.knowsAny = true;
    if (this.replyBytes < REPLY_BYTES) this.tryLarger();
  }

  private tryLarger(): void {
    if (systemClock.now() - this.boundSince <= FORGET) return;
    this.replyBytes = Math.min(REPLY_BYTES, 2 * this.replyBytes);
    this.boundSince = systemClock.now();
  }
}

/** About the number of bytes of an entry, in a reply and in memory. */
export function sizeOf(fields: Fields): number {
  let size = 0;
  for (let index = 0; index < fields.length; index++) size += fields[index]!.length;
  return size;
}
