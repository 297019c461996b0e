import type { Message } from './message.js';

/** A unit of work that is completed once: a key of one handler, in one group, on one stream. */
export interface CompletionKey {
  readonly stream: string;
  readonly group: string;
  /** The pattern that matched, or the name in the handler's option. Never the name of a class. */
  readonly handler: string;
  /**
   * The value that version 0.1.0 has for `handler`. Completions and claims under that name count.
   * Nothing new is written under it. Later versions leave it out.
   */
  readonly formerly?: string | undefined;
  readonly key: string;
}

/** Escapes a part of a key that is followed by a colon and further parts. */
export const keyPart = (name: string): string =>
  name.replace(/[%:]/g, (character) => encodeURIComponent(character));

/** A key that an owner works on. */
export interface Claim extends CompletionKey {
  /** The owner of the claim. */
  readonly owner: string;
}

/** A completed key, and how long it is remembered, in milliseconds. */
export interface Completion {
  readonly claim: CompletionKey;
  readonly ttl: number;
}

/**
 * What identifies a message:
 * - `'message'`: its id.
 * - `'idempotencyKey'`: the key that it was published with; its id where it has none.
 * - a function: what the function returns for the decoded message. Undefined: the message may be
 *   handled any number of times.
 */
export type DedupeKey = 'message' | 'idempotencyKey' | ((message: Message) => string | undefined);

/** {@link DedupeOptions} with all defaults filled in. */
export interface OncePolicy {
  readonly key: DedupeKey;
  /** How long it is remembered that a message was handled, ms. */
  readonly ttl: number;
  /** Under what it is remembered. Undefined: the event pattern of the handler that matched. */
  readonly name: string | undefined;
}
