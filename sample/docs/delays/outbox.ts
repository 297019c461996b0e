import { Injectable } from '@nestjs/common';
import { DelayedMessages } from 'nestjs-redis-streams';

@Injectable()
export class Outbox {
  constructor(private readonly delayed: DelayedMessages) {}

  /** All that wait, soonest first, a page at a time. */
  async all() {
    const waiting = [];
    let after: string | undefined;
    do {
      const page = await this.delayed.list('email.send', { limit: 50, after });
      waiting.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return waiting;
  }

  /** False: it is too late. */
  cancel(id: string): Promise<boolean> {
    return this.delayed.cancel('email.send', id);
  }

  /** In an hour from now. False: it is too late. */
  postpone(id: string): Promise<boolean> {
    return this.delayed.reschedule('email.send', id, { delay: 3_600_000 });
  }
}
