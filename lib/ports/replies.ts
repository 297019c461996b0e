import type { Fields } from '../core/message.js';
import type { ReplySender } from '../core/reply.js';

/** Where the answers to one client's requests arrive. */
export interface ReplyBox {
  /** Goes with each request. Only letters, digits, `-` and `_`, 64 at most. */
  readonly address: string;
  /**
   * Returns undefined where answers can arrive: the usual case, which costs no wait. Otherwise
   * resolves when they can. @throws ConnectionError and the like; the next call tries again
   */
  ready(): Promise<void> | undefined;
  /** Takes no more answers, and deletes the box. Idempotent. */
  close(): Promise<void>;
}

export interface ReplyBoxOptions {
  /**
   * Receives answers, in the order in which they were sent over one connection. An answer may
   * rarely come twice.
   */
  readonly onReplies: (replies: readonly Fields[]) => void;
  /**
   * Called where answers may be missing, or take too long to wait for: the connection broke and is
   * not back.
   */
  readonly onLost: (error: Error) => void;
  /**
   * Whether a caller waits for an answer. While none does, the box need not be read or kept fresh.
   */
  readonly waiting: () => boolean;
}

/**
 * Optional port: how answers come back. Not its job: which request an answer belongs to, time
 * limits, giving up.
 */
export interface Replies extends ReplySender {
  /**
   * Makes a box. Nothing is connected before its first `ready`. Answers arrive as they were sent, in
   * their own box only, and within the key prefix. An answer to a box that is closed or never was is
   * dropped, and holds up no other.
   */
  open(options: ReplyBoxOptions): ReplyBox;
  /**
   * Time of the clock that gives entries their `publishedAt`, in milliseconds. A promise where the
   * driver has to ask the server.
   */
  now(): number | Promise<number>;
  /** How many groups read a stream. Groups without consumers may be left out. */
  readers(stream: string): Promise<number>;
}
