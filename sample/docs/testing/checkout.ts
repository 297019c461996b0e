import { Injectable } from '@nestjs/common';
import { StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class Checkout {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  async buy(order: Order): Promise<void> {
    await this.publisher.publish('order.placed', order);
  }
}
