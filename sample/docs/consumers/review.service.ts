import { Injectable, type OnModuleInit } from '@nestjs/common';
import { StreamConsumers, type StreamConsumer } from 'nestjs-redis-streams';
import type { ShopEvents } from '../shop/orders.js';

/** Large orders wait until a person has looked at them. */
@Injectable()
export class Review implements OnModuleInit {
  private readonly consumer: StreamConsumer<ShopEvents>;

  constructor(consumers: StreamConsumers) {
    this.consumer = consumers.create<ShopEvents>({
      stream: 'orders',
      group: 'review',
    });
  }

  async onModuleInit(): Promise<void> {
    await this.consumer.start(
      ({ payload }) => payload.total < 100_000, // false: keep it pending
      ['order.placed'],
    );
  }

  /** The entries that no person has approved yet. */
  waiting() {
    return this.consumer.getPending();
  }

  /** False: no such message was pending. */
  async approve(id: string): Promise<boolean> {
    return (await this.consumer.acknowledge(id)) === 1;
  }
}
