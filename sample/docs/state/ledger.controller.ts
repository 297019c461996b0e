import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Ledger } from './ledger.js';

@Controller()
export class LedgerController {
  constructor(private readonly ledger: Ledger) {}

  @StreamHandler('order.paid', { concurrency: 1 })
  async write(
    @Payload() order: Order,
    @Ctx() context: StreamContext,
  ): Promise<void> {
    const isPageFull = this.ledger.add(order);
    if (!isPageFull) return;
    await this.ledger.store();
    context.commit();
  }
}
