import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  fanOut,
  next,
  StreamContext,
  StreamHandler,
  UnrecoverableError,
  WorkflowInstruction,
  type FanOut,
  type JoinedResults,
  type WorkflowFailure,
} from 'nestjs-redis-streams';
import { priceOf, Shop, type Order, type Parcel } from './shop.js';

/** One method for each step of an order. What a method returns is what happens next. */
@Controller()
export class OrderController {
  constructor(private readonly shop: Shop) {}

  @StreamHandler('order.process')
  process(@Payload() order: Order): WorkflowInstruction {
    this.shop.charged += priceOf(order.parcels);
    return next('order.mail', order, { delay: 1000 });
  }

  @StreamHandler('order.mail')
  mail(@Payload() order: Order): FanOut {
    this.shop.mails.push(`Dear ${order.customer}, your order is on its way.`);
    const parcels = order.parcels.map((parcel) => next('parcel.ship', parcel));
    return fanOut(parcels, { join: 'order.shipped', onFailure: 'order.refund' });
  }

  @StreamHandler('parcel.ship')
  ship(@Payload() parcel: Parcel, @Ctx() { attempt }: StreamContext): Parcel {
    if (parcel.name === 'piano') throw new UnrecoverableError('too heavy for us');
    if (parcel.name === 'vase' && attempt === 1) throw new Error('the lift is stuck');
    this.shop.shipped += parcel.price;
    return parcel;
  }

  @StreamHandler('order.shipped')
  shipped(@Payload() { results }: JoinedResults<Parcel>): string {
    return `${results.length} parcels worth ${priceOf(results as Parcel[])}`;
  }

  /** Some parcel could not be sent: the money for it goes back. */
  @StreamHandler('order.refund')
  refund(@Payload() { failures = [] }: WorkflowFailure): string {
    const lost = failures.map(({ payload }) => payload as Parcel);
    this.shop.refunded += priceOf(lost);
    return `${priceOf(lost)} for ${lost.map(({ name }) => name).join(', ')}`;
  }
}
