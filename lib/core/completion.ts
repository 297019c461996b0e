import type { Message } from './message.js';

/** What is to be completed once: a key of one handler, in one group, on one stream. */
export interface CompletionKey {
  readonly stream: string;
  readonly group: string;
  /** The pattern that matched, or the name in the handler's option. Never the name of a class. */
  readonly handler: string;
  /**
   * What version 0.1.0 has for `handler`. What was completed under that name is completed, and what an
   * owner works on under it is held. Nothing is written under it. Later versions leave it out.
   */
  readonly formerly?: string | undefined;
  readonly key: string;
}

/** A part of a key that others follow behind a colon. */
export const keyPart = (name: string): string =>
  name.replace(/[%:]/g, (character) => encodeURIComponent(character));

/** A key that somebody works on. */
export interface Claim extends CompletionKey {
  /** Whose claim it is. */
  readonly owner: string;
}

/** A completed key, and for how long that is remembered, ms. */
export interface Completion {
  readonly claim: CompletionKey;
  readonly ttl: number;
}

/**
 * What a message is known by: its id; the key that it was published with, and its id where there is
 * none; or what a function of the decoded message answers, undefined for a message that may be
 * handled any number of times.
 */
export type DedupeKey = 'message' | 'idempotencyKey' | ((message: Message) => string | undefined);

/** How a handler knows what it has handled before, with everything decided. */
export interface OncePolicy {
  readonly key: DedupeKey;
  /** How long it is remembered that a message was handled, ms. */
  readonly ttl: number;
  /** Under what it is remembered. Undefined: the event pattern of the handler that matched. */
  readonly name: string | undefined;
}
