import { systemClock } from '../../core/clock.js';
import { ConnectionError } from '../../core/errors/connection.errors.js';
import { NO_TROUBLE, type ReadRefusal, type ReadTrouble } from '../../core/read-trouble.js';

/** Whether the server answers what one reader asks. */
export class ReadAnswers {
  private askedAt: number | undefined;
  private refusedAt: number | undefined;
  private error: Error | undefined;

  /** For how long the oldest question is without an answer, in milliseconds. 0: none is. */
  get unansweredFor(): number {
    return this.askedAt === undefined ? 0 : systemClock.now() - this.askedAt;
  }

  /** The last question has not succeeded, or not yet. */
  get isWaiting(): boolean {
    return this.askedAt !== undefined || this.error !== undefined;
  }

  /** Undefined: the last question was not refused. */
  get refusal(): ReadRefusal | undefined {
    const { error, refusedAt } = this;
    return error && { error, lasts: systemClock.now() - refusedAt! };
  }

  asked(): void {
    this.askedAt ??= systemClock.now();
  }

  /** The server has answered, and refused nothing. */
  answered(): void {
    this.askedAt = undefined;
    this.refusedAt = undefined;
    this.error = undefined;
  }

  /** What was asked is of no matter any more. */
  dropped(): void {
    this.askedAt = undefined;
  }

  /** The question ended with this error: the server refused it, or has not answered. */
  failed(error: Error): void {
    if (error instanceof ConnectionError) this.asked();
    else this.refused(error);
  }

  refused(error: Error): void {
    this.askedAt = undefined;
    this.refusedAt ??= systemClock.now();
    this.error = error;
  }
}

export interface AnsweredReader {
  readonly stream: string;
  readonly answers: readonly ReadAnswers[];
}

/** What keeps a subscription from reading, by its readers and their streams. */
export function troubleOf(readers: readonly AnsweredReader[]): ReadTrouble {
  const refused = new Map<string, ReadRefusal>();
  let unansweredFor = 0;
  for (const { stream, answers } of readers) {
    for (const { refusal, unansweredFor: time } of answers) {
      if (refusal) refused.set(stream, refusal);
      unansweredFor = Math.max(unansweredFor, time);
    }
  }
  return { refused, unansweredFor, fullFor: 0 };
}

/**
 * The same for a subscription whose streams change all the time. While some of them are read, it reads:
 * the others are told of by events.
 */
export function troubleOfAll(readers: readonly AnsweredReader[]): ReadTrouble {
  const isRead = readers.some(({ answers }) => answers.every(({ refusal }) => !refusal));
  return isRead ? NO_TROUBLE : troubleOf(readers);
}
