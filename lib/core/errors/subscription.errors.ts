import { StreamsError } from './streams.error.js';

/** Some handlers of a stream were named to be paused or ended, and others that read it were not. */
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
      `Stream "${stream}" is read in group "${group}" for ${quoted(others)} too, and it is read for all ` +
        `of its handlers or for none. ${SharedStreamError.advice}`,
    );
  }
}

/** No handler that runs here takes the pattern. */
export class HandlerNotFoundError extends StreamsError {
  static readonly code: string = 'HANDLER_NOT_FOUND';
  static readonly advice: string =
    'Write a pattern as its handler does, once listen() has started it.';

  constructor(
    patterns: readonly string[],
    /** Patterns that there are. */
    readonly known: readonly string[],
  ) {
    const there = known.length > 0 ? `there are ${quoted(known)}` : 'none runs';
    super(
      HandlerNotFoundError.code,
      `No handler that runs here takes ${quoted(patterns)}; ${there}. ${HandlerNotFoundError.advice}`,
    );
  }
}

/** A consumer was given a second callback. */
export class AlreadySubscribedError extends StreamsError {
  static readonly code: string = 'ALREADY_SUBSCRIBED';
  static readonly advice: string =
    'Give one callback all event types and tell them apart there, or create another consumer.';

  constructor(streams: readonly string[], group: string) {
    super(
      AlreadySubscribedError.code,
      `The consumer of ${quoted(streams)} in group "${group}" has a callback already. ${AlreadySubscribedError.advice}`,
    );
  }
}

/**
 * A consumer of the group holds entries, and has neither read nor kept any of them fresh for longer
 * than `crashedAfter`.
 */
export class ConsumerCrashedError extends StreamsError {
  static readonly code: string = 'CONSUMER_CRASHED';
  static readonly advice: string =
    'Its entries are run by the other consumers of the group, after idleTimeout; where none runs, ' +
    'start one. If it lives and is only slow, raise idleTimeout.';

  readonly stream: string;
  readonly group: string;
  readonly consumer: string;
  /** Since it was last seen, ms. */
  readonly idleMs: number;
  /** Entries that it holds, or that were taken over from it. */
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
      `Consumer "${consumer}" of group "${group}" has been silent for ${idleMs} ms with ${pending} ` +
        `entries of stream "${stream}" in hand. ${ConsumerCrashedError.advice}`,
    );
    ({ stream: this.stream, group: this.group, consumer: this.consumer } = crash);
    ({ idleMs: this.idleMs, pending: this.pending } = crash);
  }
}

const quoted = (names: readonly string[]): string => names.map((name) => `"${name}"`).join(', ');
