import { Controller, Inject } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  getStreamsToken,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Controller()
export class ShopController {
  readonly paid: string[] = [];

  constructor(
    @Inject(getStreamsToken('order-processor', StreamPublisher))
    private readonly publisher: StreamPublisher<ShopEvents>,
  ) {}

  @StreamHandler('order.placed', { name: 'order-processor' })
  async placed(@Payload() order: Order): Promise<void> {
    const stream = 'payments.pending';
    await this.publisher.publish('order.paid', order, { stream });
  }

  @StreamHandler('order.paid', { name: 'payment-processor' })
  pay(@Payload() order: Order): void {
    this.paid.push(order.orderId);
  }
}
