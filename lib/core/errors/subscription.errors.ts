import { StreamsError } from './streams.error.js';

/** Some handlers of a stream were to be paused or ended, and other handlers of the same stream were not named. */
export class SharedStreamError extends StreamsError {
  static readonly code: string = 'STREAM_SHARED';
  static readonly advice: string =
    'Name all patterns together, or give some of the handlers a group of their own.';

  constructor(
    readonly stream: string,
    readonly group: string,
    /** Patterns that were not named. */
    readonly others: readonly string[],
  ) {
    super(
      SharedStreamError.code,
      `Stream "${stream}" is read in group "${group}" for ${quoted(others)} too. A stream is paused or ended ` +
        `for all of its handlers or for none. ${SharedStreamError.advice}`,
    );
  }
}

/** No running handler of this process has the pattern. */
export class HandlerNotFoundError extends StreamsError {
  static readonly code: string = 'HANDLER_NOT_FOUND';
  static readonly advice: string =
    'Write the pattern as in its handler, and call this after listen() has started the handler.';

  constructor(
    patterns: readonly string[],
    /** Patterns of the handlers that run. */
    readonly known: readonly string[],
  ) {
    const there = known.length > 0 ? `the patterns are ${quoted(known)}` : 'no handler runs';
    super(
      HandlerNotFoundError.code,
      `No running handler of this process has the pattern ${quoted(patterns)}; ${there}. ${HandlerNotFoundError.advice}`,
    );
  }
}

/**
 * A consumer of the group has pending entries, and for longer than `crashedAfter` has neither read nor
 * kept any of them fresh.
 */
export class ConsumerCrashedError extends StreamsError {
  static readonly code: string = 'CONSUMER_CRASHED';
  static readonly advice: string =
    'Other consumers of the group run its entries after idleTimeout; if no other consumer runs, ' +
    'start one. If this consumer lives and is only slow, raise idleTimeout.';

  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  /** Time in milliseconds since the consumer was last seen. */
  readonly idleMs: number;
  /** Number of entries that are pending to the consumer, or that were taken over from it. */
  readonly pending: number;

  constructor(crash: {
    readonly stream: string;
    readonly group: string;
    readonly consumer: string;
    readonly idleMs: number;
    readonly pending: number;
  }) {
    const { stream, group, consumer, idleMs, pending } = crash;
    super(
      ConsumerCrashedError.code,
      `Consumer "${consumer}" of group "${group}" has been silent for ${idleMs} ms; ${pending} ` +
        `entries of stream "${stream}" were pending to it. ${ConsumerCrashedError.advice}`,
    );
    ({ stream: this.stream, group: this.group, consumer: this.consumer } = crash);
    ({ idleMs: this.idleMs, pending: this.pending } = crash);
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
