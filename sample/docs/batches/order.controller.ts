import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Orders } from './orders.js';

@Controller()
export class OrderController {
  constructor(private readonly orders: Orders) {}

  @StreamHandler('order.placed', { batch: { size: 100, maxWait: 500 } })
  async insert(@Payload() orders: Order[]): Promise<void> {
    await this.orders.insertMany(orders);
  }
}
