import type { Answer, AnswerKind } from '../core/answer.js';
import type { TimerHandle } from '../core/clock.js';

/** The caller that waits for the answers to a request. */
export interface Asker {
  /** Receives an answer. No call follows the last answer. */
  answered(kind: AnswerKind, body: string): void;
  /** Receives the error that ends the request: no further answer will come. */
  failed(error: Error): void;
}

/** A request whose caller waits for an answer. */
export class PendingRequest {
  timer: TimerHandle;
  /** Engine time by which the next answer has to come, in milliseconds. */
  dueAt = 0;
  /**
   * Refusals so far. Each is from another group that reads the stream and does not answer requests.
   */
  readonly refusals: Error[] = [];
  private run: string | undefined;
  private next = 0;

  constructor(
    readonly eventType: string,
    readonly stream: string,
    readonly timeout: number,
    readonly asker: Asker,
  ) {}

  /**
   * Accepts the answers of the first run that answers, and ignores those of other runs: two runs
   * may answer differently.
   * @returns `gap` where an answer before this one is missing
   */
  judge({ run, place }: Answer): 'next' | 'ignored' | 'gap' {
    this.run ??= run;
    if (run !== this.run || place < this.next) return 'ignored';
    if (place > this.next) return 'gap';
    this.next++;
    return 'next';
  }
}
