import { systemClock, type TimerHandle } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { MessagesLost } from '../../../core/messages-lost.js';

/** Messages that are dropped within this time are told of together, in milliseconds. */
const TOGETHER = 1000;

/** Tells of messages of one stream that no run of the group will handle. */
export class LostMessages {
  private dropped = 0;
  private timer: TimerHandle | undefined;

  constructor(
    private readonly events: EventBus,
    readonly of: { readonly stream: string; readonly group: string },
  ) {}

  /** A message was dropped, because there is no room for it. */
  drop(): void {
    this.dropped++;
    this.timer ??= systemClock.setTimeout(() => this.flush(), TOGETHER);
  }

  /** Tells of what was dropped so far. */
  flush(): void {
    if (this.timer !== undefined) systemClock.clearTimeout(this.timer);
    this.timer = undefined;
    const count = this.dropped;
    this.dropped = 0;
    if (count > 0) this.tell(count, 'buffer-full');
  }

  /** @param count undefined: it is not known */
  tell(count: number | undefined, why: MessagesLost): void {
    this.events.emit('messages-lost', { ...this.of, count, why });
  }
}
