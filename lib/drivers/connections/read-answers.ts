import { systemClock } from '../../core/clock.js';
import type { ReadRefusal } from '../../core/read-trouble.js';

/** Whether the server answers what one reader asks. */
export class ReadAnswers {
  private askedAt: number | undefined;
  private refusedAt: number | undefined;
  private error: Error | undefined;

  /** For how long the oldest question is without an answer, in milliseconds. 0: none is. */
  get unansweredFor(): number {
    return this.askedAt === undefined ? 0 : systemClock.now() - this.askedAt;
  }

  /** Undefined: the last question was not refused. */
  get refusal(): ReadRefusal | undefined {
    const { error, refusedAt } = this;
    return error && { error, lasts: systemClock.now() - refusedAt! };
  }

  asked(): void {
    this.askedAt ??= systemClock.now();
  }

  /** The server has answered, or what was asked is of no matter any more. */
  answered(): void {
    this.askedAt = undefined;
    this.refusedAt = undefined;
    this.error = undefined;
  }

  refused(error: Error): void {
    this.askedAt = undefined;
    this.refusedAt ??= systemClock.now();
    this.error = error;
  }
}
