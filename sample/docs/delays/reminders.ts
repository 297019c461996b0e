import { Injectable } from '@nestjs/common';
import { StreamPublisher } from 'nestjs-redis-streams';
import type { ShopEvents } from '../shop/orders.js';

@Injectable()
export class Reminders {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  /** In a quarter of an hour. Answers the id under which the message waits. */
  soon(to: string): Promise<string> {
    const email = { to, template: 'still-in-your-basket' };
    return this.publisher.publish('email.send', email, { delay: 900_000 });
  }

  /** At a time of day. */
  at(to: string, time: Date): Promise<string> {
    const email = { to, template: 'your-voucher-ends' };
    return this.publisher.publish('email.send', email, { deliverAt: time });
  }
}
