import { Injectable } from '@nestjs/common';
import { NotReplicatedError, StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class CarefulCheckout {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  async place(order: Order): Promise<'replicated' | 'stored'> {
    try {
      await this.publisher.publish('order.placed', order, {
        waitReplicas: 1,
        idempotencyKey: order.orderId,
      });
      return 'replicated';
    } catch (error) {
      if (error instanceof NotReplicatedError) return 'stored';
      throw error;
    }
  }
}
