import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler, StreamPublisher } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Controller()
export class OrderController {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  @StreamHandler('order.placed')
  async ship(@Payload() { orderId }: Order): Promise<void> {
    await this.publisher.publish('order.shipped', { orderId, parcel: 'p-1' });
  }
}
