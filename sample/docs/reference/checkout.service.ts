import { Injectable } from '@nestjs/common';
import { DelayedMessages, StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class CheckoutService {
  constructor(
    private readonly publisher: StreamPublisher<ShopEvents>,
    private readonly delayed: DelayedMessages,
  ) {}

  /** The order is placed in an hour, unless the customer changes their mind. */
  place(order: Order): Promise<string> {
    return this.publisher.publish('order.placed', order, { delay: 3_600_000 });
  }

  undo(id: string): Promise<boolean> {
    return this.delayed.cancel('order.placed', id);
  }
}
