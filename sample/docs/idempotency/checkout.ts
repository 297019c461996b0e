import { Injectable } from '@nestjs/common';
import { StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class Checkout {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  /** May be called again for the same order: it is published once. */
  async paid(order: Order): Promise<void> {
    await this.publisher.publish('order.paid', order, {
      idempotencyKey: order.orderId,
    });
  }
}
