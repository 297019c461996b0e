import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler, UnrecoverableError } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class OrderController {
  static readonly paid: string[] = [];

  @StreamHandler<Order>('order.paid', {
    dedupe: { key: ({ payload }) => payload.orderId },
  })
  collect(@Payload() order: Order): void {
    if (order.total <= 0)
      throw new UnrecoverableError('There is nothing to pay.');
    OrderController.paid.push(order.orderId);
  }
}
