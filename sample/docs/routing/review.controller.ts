import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class ReviewController {
  readonly reviewed: string[] = [];

  @StreamHandler<Order>('order.paid', {
    filter: ({ payload }) => payload.total >= 100_000, // in cents
  })
  review(@Payload() { orderId }: Order): void {
    this.reviewed.push(orderId);
  }
}
