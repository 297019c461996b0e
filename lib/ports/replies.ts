import type { Fields } from '../core/message.js';
import type { ReplySender } from '../core/reply.js';

/** Where the answers to one client's requests arrive. */
export interface ReplyBox {
  /** Goes with each request. Only letters, digits, `-` and `_`, 64 at most. */
  readonly address: string;
  /**
   * Undefined where answers can arrive: the usual case, for which nobody waits. Else resolves when
   * they can. @throws ConnectionError and the like; the next call tries again
   */
  ready(): Promise<void> | undefined;
  /** Takes no more answers, and leaves nothing behind. Idempotent. */
  close(): Promise<void>;
}

export interface ReplyBoxOptions {
  /** Told of answers, in the order in which they were sent over one connection; rarely of one twice. */
  readonly onReplies: (replies: readonly Fields[]) => void;
  /** Answers may be missing, or take too long to wait for: the connection broke and is not back. */
  readonly onLost: (error: Error) => void;
  /** Whether somebody waits for an answer. While nobody does, nothing need be read or kept fresh. */
  readonly waiting: () => boolean;
}

/**
 * Optional port: how answers come back. Not its job: which request an answer belongs to, time limits,
 * giving up.
 */
export interface Replies extends ReplySender {
  /** Makes a box; nothing is connected before its first `ready`. */
  open(options: ReplyBoxOptions): ReplyBox;
  /** Time of the clock that gives entries their `publishedAt`, ms. A promise where it has to ask. */
  now(): number | Promise<number>;
  /** How many groups read a stream; those that have no consumer any more may be left out. */
  readers(stream: string): Promise<number>;
}
