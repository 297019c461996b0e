import type { EventBus } from '../../core/event-bus.js';
import type { Reason } from './health-report.js';

/** Tells whether too many messages are given up. */
export class DeadLetterRate {
  /** When the last messages were given up: as many as the limit. */
  private readonly times: number[] = [];
  private last: { readonly stream: string; readonly group: string } | undefined;

  constructor(
    events: EventBus,
    private readonly now: () => number,
    private readonly options: { readonly deadLetters: number; readonly window: number },
  ) {
    events.on('dead-lettered', ({ stream, group }) => {
      this.last = { stream, group };
      this.times.push(now());
      if (this.times.length > options.deadLetters) this.times.shift();
    });
  }

  causes(): Reason[] {
    const { deadLetters, window } = this.options;
    const [first] = this.times;
    if (!this.last || this.times.length < deadLetters) return [];
    if (this.now() - first! > window) return [];
    const { stream, group } = this.last;
    const message = `${deadLetters} or more messages were given up within ${window} ms, the last one by group "${group}" on "${stream}".`;
    return [{ code: 'dead-letters', status: 'degraded', message, stream, group }];
  }
}
