import { Injectable } from '@nestjs/common';
import { ConnectionError, StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class OrderPublisher {
  readonly unsent: Order[] = [];

  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  async place(order: Order): Promise<void> {
    try {
      await this.publisher.publish('order.placed', order);
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
      if (error.outcome !== 'not-sent') throw error;
      this.unsent.push(order); // nothing was sent: try again later
    }
  }
}
