import type { Fields } from './message.js';

/** An answer on its way to the box of whoever asked. */
export interface OutgoingReply {
  /** Address of the box. */
  readonly to: string;
  readonly fields: Fields;
}

/** The last answer to a request, written with its settlement. */
export interface LastReply extends OutgoingReply {
  /** Engine time after which nobody waits for it, so that it is not written again, ms. */
  readonly giveUpAt: number;
}

/** Writes answers to boxes. */
export interface ReplySender {
  /**
   * Writes answers, in order; those of one turn of the event loop may be gathered. What is settled
   * after the call reaches the server later than they do. Where the box is gone, or its owner has not
   * been heard of for a while, nothing is written and nothing kept: `gone`.
   */
  send(replies: readonly OutgoingReply[]): Promise<('sent' | 'gone' | Error)[]>;
}
