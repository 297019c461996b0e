import { Controller } from '@nestjs/common';
import { Ctx } from '@nestjs/microservices';
import { StreamBatchContext, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Bank } from './bank.js';

@Controller()
export class PaymentController {
  constructor(private readonly bank: Bank) {}

  @StreamHandler('order.paid', { batch: { size: 50 } })
  async collect(@Ctx() context: StreamBatchContext<Order>): Promise<void> {
    for (const item of context.items) {
      const answer = await this.bank.collect(item.payload);
      if (answer === 'closed') item.deadLetter('account-closed');
      else if (answer === 'busy') item.retry(5_000);
      else item.ack(); // also if the method throws later
    }
  }
}
