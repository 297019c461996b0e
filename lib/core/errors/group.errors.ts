import { StreamsError } from './streams.error.js';

/** The stream does not exist. */
export class StreamNotFoundError extends StreamsError {
  static readonly code: string = 'STREAM_NOT_FOUND';
  static readonly advice: string = 'Publish to it first, or create its group with mkstream.';

  constructor(readonly stream: string) {
    super(
      StreamNotFoundError.code,
      `Stream "${stream}" does not exist. ${StreamNotFoundError.advice}`,
    );
  }
}

/** The group does not exist on the stream, or was deleted on purpose: then no consumer creates it again. */
export class GroupNotFoundError extends StreamsError {
  static readonly code: string = 'GROUP_NOT_FOUND';
  static readonly advice: string = 'Create it first, with createGroup.';

  constructor(
    readonly stream: string,
    readonly group: string,
    why: 'missing' | 'deleted' = 'missing',
  ) {
    const what = why === 'deleted' ? 'was deleted from' : 'does not exist on';
    super(
      GroupNotFoundError.code,
      `Consumer group "${group}" ${what} stream "${stream}". ${GroupNotFoundError.advice}`,
    );
  }
}
