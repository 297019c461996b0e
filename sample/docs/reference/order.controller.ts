import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class OrderController {
  readonly seen: string[] = [];

  /** One event type, in the stream that routing gives. */
  @StreamHandler('order.placed', { maxDeliveries: 3, timeout: 10_000 })
  placed(@Payload() order: Order, @Ctx() { attempt }: StreamContext): void {
    this.seen.push(`${order.orderId} placed, run ${attempt}`);
  }

  /** Several event types. The type argument types what `orderBy` gets. */
  @StreamHandler<Order>(['order.paid', 'order.refunded'], {
    stream: 'payments',
    orderBy: ({ payload }) => payload.customerId,
  })
  money(@Payload() order: Order, @Ctx() { message }: StreamContext): void {
    this.seen.push(`${order.orderId} ${message.eventType}`);
  }

  /** All events of some streams, in a group of its own. */
  @StreamHandler({ streams: ['audit'], group: 'archive' })
  archive(@Ctx() { id }: StreamContext): void {
    this.seen.push(`${id} archived`);
  }
}
