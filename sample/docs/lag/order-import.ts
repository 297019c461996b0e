import { Injectable } from '@nestjs/common';
import { BackpressureError, StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class OrderImport {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  /** Waits while the slowest group of the stream is behind. */
  async all(orders: readonly Order[]): Promise<void> {
    for (const order of orders) {
      await this.publisher.publish('order.placed', order, { maxLag: 10_000 });
    }
  }

  /** Does not wait: answers false while billing is behind. */
  async one(order: Order): Promise<boolean> {
    try {
      await this.publisher.publish('order.placed', order, {
        maxLag: { lag: 10_000, groups: ['billing'] },
        onBackpressure: 'error',
      });
      return true;
    } catch (error) {
      if (error instanceof BackpressureError) return false;
      throw error;
    }
  }
}
