import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Mails } from './mails.js';

@Controller()
export class MailController {
  constructor(private readonly mails: Mails) {}

  @StreamHandler<Order>('order.paid', {
    dedupe: { key: ({ payload }) => payload.orderId, ttl: 86_400_000 },
  })
  async thank(@Payload() order: Order): Promise<void> {
    await this.mails.send(order.customerId, 'thanks');
  }
}
