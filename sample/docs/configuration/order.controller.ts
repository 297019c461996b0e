import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class OrderController {
  static readonly seen: string[] = [];

  @StreamHandler('order.placed')
  placed(@Payload() order: Order): void {
    OrderController.seen.push(order.orderId);
  }
}
