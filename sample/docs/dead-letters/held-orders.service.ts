import { Injectable } from '@nestjs/common';
import { HeldMessages } from 'nestjs-redis-streams';

@Injectable()
export class HeldOrders {
  constructor(private readonly held: HeldMessages) {}

  /** Why each message of the first page is on hold, by its id. */
  async reasons(group: string): Promise<Map<string, string>> {
    const { items } = await this.held.list('order.paid', group, { limit: 50 });
    return new Map(items.map(({ heldId, reason }) => [heldId, reason]));
  }

  /** Runs them again. */
  release(ids: string[]): Promise<number> {
    return this.held.release('order.paid', { ids });
  }

  releaseAll(group: string): Promise<number> {
    return this.held.release('order.paid', { group });
  }
}
