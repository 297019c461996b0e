import { Injectable } from '@nestjs/common';
import { DeadLetters } from 'nestjs-redis-streams';

@Injectable()
export class DeadOrders {
  constructor(private readonly deadLetters: DeadLetters) {}

  /** All dead letters of the stream, oldest first, a page at a time. */
  async all() {
    const letters = [];
    let after: string | undefined;
    do {
      const page = await this.deadLetters.list('order.placed', {
        limit: 100,
        after,
      });
      letters.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    return letters;
  }

  /** Runs again what one bug had broken. */
  async redriveBroken(): Promise<number> {
    const broken = (await this.all()).filter(
      ({ error }) => error?.name === 'TypeError',
    );
    const ids = broken.map(({ deadLetterId }) => deadLetterId);
    return this.deadLetters.redrive('order.placed', { ids });
  }

  /** Deletes for good what a group cannot need any more. */
  async purge(group: string): Promise<number> {
    return this.deadLetters.purge('order.placed', { group });
  }
}
