import type { Fields } from '../../core/message.js';

/**
 * Most bytes that one reply is to bring. Larger replies save no time, but need memory here and at the
 * server, which ends the connection at its `client-output-buffer-limit`.
 */
export const REPLY_BYTES = 1_048_576;
/** Assumed of an entry before any was read: the first read of a stream brings few. */
const UNKNOWN = 131_072;

/** How large the next entries of each key are expected to be, by the largest of the last replies. */
export class EntrySizes {
  private readonly byKey = new Map<string, number>();
  private anywhere: number | undefined;

  knows(key: string): boolean {
    return this.byKey.has(key);
  }

  /** Of one entry. */
  of(key: string): number {
    return this.byKey.get(key) ?? this.anywhere ?? UNKNOWN;
  }

  /** Of one entry of any key. */
  get largest(): number {
    return this.anywhere ?? UNKNOWN;
  }

  learnOf(key: string, entries: readonly { readonly fields: Fields }[]): void {
    let largest = 0;
    for (const { fields } of entries) largest = Math.max(largest, sizeOf(fields));
    if (largest > 0) this.learn(key, largest);
  }

  /** @param largest of the entries that one reply brought of the key */
  learn(key: string, largest: number): void {
    this.byKey.set(key, next(this.byKey.get(key), largest));
    this.anywhere = next(this.anywhere, largest);
  }
}

/** Larger entries count at once, smaller ones little by little: the next large one may follow soon. */
const next = (known: number | undefined, found: number): number =>
  known === undefined || found >= known ? found : Math.max(found, known / 2);

/** About as many bytes as the entry takes, in a reply and in memory. */
export function sizeOf(fields: Fields): number {
  let size = 0;
  for (let index = 0; index < fields.length; index++) size += fields[index]!.length;
  return size;
}
