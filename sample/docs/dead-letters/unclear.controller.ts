import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class UnclearController {
  readonly open = new Map<string, string>();

  @StreamHandler('order.placed', {
    streams: ['order.unclear'],
    deadLetter: 'queue',
  })
  look(@Payload() order: Order, @Ctx() context: StreamContext): void {
    const { metadata } = context.message;
    const why = metadata['dead-letter-error'] ?? metadata['dead-letter-reason'];
    this.open.set(order.orderId, `${metadata['dead-letter-stream']}: ${why}`);
  }
}
