import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Bills } from './bills.js';

@Controller()
export class BillingController {
  constructor(private readonly bills: Bills) {}

  @StreamHandler('order.placed', { concurrency: 10 })
  async bill(@Payload() order: Order): Promise<void> {
    await this.bills.write(order);
  }
}
