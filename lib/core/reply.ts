import type { Fields } from './message.js';

/** An answer on its way to the reply box of the caller. */
export interface OutgoingReply {
  /** Address of the box. */
  readonly to: string;
  readonly fields: Fields;
}

/** The last answer to a request, written with its settlement. */
export interface LastReply extends OutgoingReply {
  /**
   * Engine time after which the caller no longer waits for the answer, so that it is not written
   * again, in milliseconds.
   */
  readonly giveUpAt: number;
}

/** Writes answers to reply boxes. */
export interface ReplySender {
  /**
   * Writes answers, in order. Those of one turn of the event loop may be sent together. They reach
   * the server before anything that is settled after this call. Where the box is gone, or its owner
   * has not refreshed it for a while, nothing is written: `gone`.
   */
  send(replies: readonly OutgoingReply[]): Promise<('sent' | 'gone' | Error)[]>;
}
