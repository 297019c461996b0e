import type { Redis } from 'ioredis';
import type { Idempotency, IdempotencyWindow, OutgoingEntry } from '../../../core/message.js';
import type { Keys } from '../keys/keys.js';
import { isOptionMissing, isScriptMissing } from '../errors/reply-errors.js';
import { encodeCommand } from '../resp/wire.js';
import { publishOnce } from './publish-once.script.js';
import type { ServerFeatures } from '../connection/server-features.js';

export type IdempotentEntry = OutgoingEntry & { readonly idempotency: Idempotency };
/** The id of an entry, or the error that it met. */
export type Result = string | Error;

export const isIdempotent = (entry: OutgoingEntry): entry is IdempotentEntry =>
  entry.idempotency !== undefined;

/**
 * For how long a key is remembered as `native` where the server cannot, in milliseconds: the
 * default of Redis.
 */
const NATIVE_WINDOW = 100_000;

/**
 * Appends entries with an idempotency key: by XADD … IDMP where that was asked for and the server
 * has it, otherwise by a script. Neither way knows the keys of the other.
 */
export class PublishingOnce {
  constructor(
    private readonly keys: Keys,
    /** Undefined: always by script. */
    private readonly features: ServerFeatures | undefined,
  ) {}

  /**
   * Returns the command for the server behind this client. Send it at once, and in the order of
   * these calls.
   */
  command(client: Redis, entry: IdempotentEntry): string {
    const { stream, fields, idempotency } = entry;
    const { key, window } = idempotency;
    if (window === 'native' && this.features?.has(client, 'idmp')) {
      // Makes each key a producer of its own: the server remembers only a hundred keys per
      // producer.
      const streamKey = this.keys.stream(stream);
      return encodeCommand(['XADD', streamKey, 'IDMP', key, '1', '*', ...fields]);
    }
    return encodeCommand(publishOnce.command(client, ...onceArguments(this.keys, entry)));
  }

  /**
   * Sends again what the server refused because it no longer knows the script or the option. The
   * server has written none of these entries.
   * @param send sends entries with commands that were made anew
   */
  async mend(
    client: Redis | undefined,
    entries: readonly OutgoingEntry[],
    results: readonly Result[],
    send: (entries: readonly OutgoingEntry[]) => Promise<Result[]>,
  ): Promise<Result[]> {
    const causes = results.map((result) => (result instanceof Error ? result.cause : undefined));
    const again = entries.flatMap(({ idempotency }, index) =>
      idempotency && isUnknown(causes[index]) ? [index] : [],
    );
    if (again.length === 0) return [...results];
    if (client) publishOnce.forget(client);
    if (client && causes.some(isOptionMissing)) this.features?.drop(client, 'idmp');
    const sentAgain = await send(again.map((index) => entries[index]!));
    return results.map((result, index) => sentAgain[again.indexOf(index)] ?? result);
  }
}

/** Keys and arguments of the script that publishes an entry once. */
export function onceArguments(
  keys: Keys,
  { stream, fields, idempotency: { key, window } }: IdempotentEntry,
): [keys: string[], args: (string | number)[]] {
  return [
    [keys.stream(stream), keys.published(stream, key)],
    [windowOf(window), ...fields],
  ];
}

/** For how long a script remembers a key, in milliseconds. */
export const windowOf = (window: IdempotencyWindow): number =>
  window === 'native' ? NATIVE_WINDOW : window;

const isUnknown = (error: unknown): boolean => isScriptMissing(error) || isOptionMissing(error);
