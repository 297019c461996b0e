import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  RetryLaterError,
  StreamContext,
  StreamHandler,
  UnrecoverableError,
} from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Bank } from './bank.js';

@Controller()
export class PaymentController {
  constructor(private readonly bank: Bank) {}

  @StreamHandler('order.paid')
  async collect(
    @Payload() order: Order,
    @Ctx() context: StreamContext,
  ): Promise<void> {
    const answer = await this.bank.collect(order);
    switch (answer.status) {
      case 'collected':
        return;
      case 'busy':
        throw new RetryLaterError(answer.retryAfterMs); // wait exactly as long
      case 'closed':
        throw new UnrecoverableError('The account is closed.'); // no later run can succeed
      case 'suspicious':
        context.deadLetter('needs-review'); // a reason of your own
    }
  }
}
