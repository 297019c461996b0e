import { Injectable } from '@nestjs/common';
import { StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class Checkout {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  /** May be called again after any error: the order is placed once. */
  async place(order: Order): Promise<string> {
    return this.publisher.publish('order.placed', order, {
      idempotencyKey: order.orderId,
    });
  }
}
