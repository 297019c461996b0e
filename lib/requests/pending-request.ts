import type { Answer, AnswerKind } from '../core/answer.js';
import type { TimerHandle } from '../core/clock.js';

/** Whoever waits for the answers to a request. */
export interface Asker {
  /** An answer. After the last one nothing follows. */
  answered(kind: AnswerKind, body: string): void;
  /** There will be no answer, or none any more. */
  failed(error: Error): void;
}

/** A request that somebody waits for. */
export class PendingRequest {
  timer: TimerHandle;
  /** Until then the next answer has to come. Engine time, ms. */
  dueAt = 0;
  /** Each from another group that reads the stream and answers nobody. */
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
   * The first run that answers is listened to, whatever others say: two runs may answer differently.
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
