import { StreamsError } from './streams.error.js';

/** The stream does not exist. */
export class StreamNotFoundError extends StreamsError {
  static readonly code: string = 'STREAM_NOT_FOUND';
  static readonly advice: string =
    'Publish to the stream first, or call createGroup, which creates the stream.';

  constructor(readonly stream: string) {
    super(
      StreamNotFoundError.code,
      `Stream "${stream}" does not exist. ${StreamNotFoundError.advice}`,
    );
  }
}

/** The consumer cannot be removed: entries are pending to it, and the server would drop them with it. */
export class ConsumerHasPendingError extends StreamsError {
  static readonly code: string = 'CONSUMER_HAS_PENDING';
  static readonly advice: string =
    'Stop the consumer, then hand its entries over with the option handOverTo, or wait until other consumers of the group have taken them over.';

  constructor(
    readonly stream: string,
    readonly group: string,
    readonly consumer: string,
    /** Number of entries that are pending to the consumer. */
    readonly pending: number,
  ) {
    super(
      ConsumerHasPendingError.code,
      `Consumer "${consumer}" of group "${group}" on stream "${stream}" cannot be removed: ` +
        `${pending} entries are pending to it. ${ConsumerHasPendingError.advice}`,
    );
  }
}

/**
 * The group cannot be moved: entries are pending, and the server would forget them. Only drivers whose server
 * keeps no list of pending entries throw it: NATS.
 */
export class GroupHasPendingError extends StreamsError {
  static readonly code: string = 'GROUP_HAS_PENDING';
  static readonly advice: string =
    'Wait until its consumers have settled them, or move the group to settledUpTo or before.';

  constructor(
    readonly stream: string,
    readonly group: string,
    /** Number of entries that are pending to the group. */
    readonly pending: number,
    /** The highest position to which the group can be moved now. */
    readonly settledUpTo: string,
  ) {
    super(
      GroupHasPendingError.code,
      `Consumer group "${group}" on stream "${stream}" cannot be moved behind "${settledUpTo}": ` +
        `${pending} entries are pending to it. ${GroupHasPendingError.advice}`,
    );
  }
}

/** The group does not exist on the stream, or was deleted on purpose: then no consumer creates it again. */
export class GroupNotFoundError extends StreamsError {
  static readonly code: string = 'GROUP_NOT_FOUND';
  static readonly advice: string = 'Create the group first, with createGroup.';

  constructor(
    readonly stream: string,
    readonly group: string,
    /** `deleted`: the group was deleted on purpose. */
    readonly why: 'missing' | 'deleted' = 'missing',
  ) {
    const what = why === 'deleted' ? 'was deleted from' : 'does not exist on';
    super(
      GroupNotFoundError.code,
      `Consumer group "${group}" ${what} stream "${stream}". ${GroupNotFoundError.advice}`,
    );
  }
}
