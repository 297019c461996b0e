import type { In } from './run-events.js';

/** A message that was published, or that its source has refused. */
export interface PublishedEvent {
  /** Stream of the message. */
  readonly stream: string;
  /**
   * Id of the message; of a delayed message the id under which it waits. Undefined where it was
   * refused, or was published by a settlement.
   */
  readonly id: string | undefined;
  /** Empty if it could not be read. */
  readonly eventType: string;
  /**
   * What has published the message. `producer`: a client, a publisher, a workflow or the outbox.
   * `settlement`: the acknowledgement of another message, such as the previous step of a workflow, or a
   * strategy for messages that are given up.
   */
  readonly by: 'producer' | 'settlement';
  /** The message is delayed: the source publishes it once it is due. */
  readonly delayed: boolean;
  /** Number of messages that were sent together with this one, itself included. */
  readonly messages: number;
  /** Time until the source had answered, in milliseconds. 0 for messages of a settlement. */
  readonly duration: number;
  /** Why the message was refused, or why its fate is unknown. Undefined: it was published. */
  readonly error?: Error;
}

/** The events of messages on their way, by name. */
export interface MessageEvents {
  /** A message was published, or the message source has refused it. Raised once for each message. */
  published: PublishedEvent;
  /**
   * The message source has handed a message to a consumer of this process. Raised once for each
   * delivery, and not again for a retry that waits in this process.
   */
  delivered: In & {
    /** Id of the message. */
    readonly id: string;
    /** The consumer that has the message now. */
    readonly consumer: string;
    /** Runs counted so far; with the coming one where the read has counted it. */
    readonly attempt: number;
    /** Time of publication as the source knows it, in milliseconds since the epoch. */
    readonly publishedAt: number;
  };
  /**
   * This process has published delayed messages that were due: `count` of them. Not raised where the
   * server does that by itself.
   */
  promoted: { readonly stream: string; readonly count: number };
}
