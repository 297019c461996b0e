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
}
