import { Injectable } from '@nestjs/common';
import { ConsumerGroupManager } from 'nestjs-redis-streams';

@Injectable()
export class Members {
  constructor(private readonly groups: ConsumerGroupManager) {}

  /** Which consumers of the group handle an event type now. */
  async thatHandle(eventType: string): Promise<string[]> {
    const { consumers } = await this.groups.liveConsumers('orders', 'billing');
    return consumers
      .filter(({ alive, events }) => alive && events.includes(eventType))
      .map(({ consumer }) => consumer);
  }
}
