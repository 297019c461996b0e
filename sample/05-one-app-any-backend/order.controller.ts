import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler, UnrecoverableError } from 'nestjs-redis-streams';

export interface Order {
  readonly number: number;
  readonly cents: number;
}

/** Knows events and payloads. What carries them is no concern of the controller. */
@Controller()
export class OrderController {
  readonly reserved = new Set<number>();

  @StreamHandler('order.created', { dedupe: true })
  reserve(@Payload() order: Order, @Ctx() context: StreamContext): void {
    if (order.cents < 0) throw new UnrecoverableError('an order has no negative price');
    if (order.number % 10 === 0 && context.attempt === 1) throw new Error('the stock is locked');
    this.reserved.add(order.number);
  }

  @StreamHandler('order.cancelled')
  cancel(@Payload() { number }: Order): void {
    this.reserved.delete(number);
  }
}
