import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class OrderController {
  readonly seen: string[] = [];

  @StreamHandler('order.paid')
  paid(@Payload() { orderId }: Order): void {
    this.seen.push(orderId);
  }
}
