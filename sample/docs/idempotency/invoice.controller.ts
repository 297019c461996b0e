import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import type { Transaction } from './database.js';

@Controller()
export class InvoiceController {
  @StreamHandler<Order>('order.paid', {
    inbox: { key: ({ payload }) => payload.orderId },
  })
  async write(
    @Payload() order: Order,
    @Ctx() context: StreamContext,
  ): Promise<void> {
    const transaction = context.transaction<Transaction>();
    await transaction.insert(`invoice of ${order.orderId}`);
  }
}
