/**
 * Base of every error of this library. `code` is stable. `message` says what to do. Each class has its
 * `code` and its `advice` as static fields; `docs/errors.md` is generated from them.
 */
export class StreamsError extends Error {
  constructor(
    /** Stays the same in all versions, such as `CONNECTION`. */
    readonly code: string,
    message: string,
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }

  /**
   * True: no repetition of the same call succeeds, for example because the message is too large. A
   * message becomes a dead letter where its next steps are refused with such an error. @default false
   */
  get permanent(): boolean {
    return false;
  }
}

/** Whether no repetition of what failed with this error can succeed. */
export const isPermanent = (error: unknown): error is StreamsError =>
  error instanceof StreamsError && error.permanent;
