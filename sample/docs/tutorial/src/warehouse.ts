import { Injectable } from '@nestjs/common';
import type { Order } from './order.js';

@Injectable()
export class Warehouse {
  /** The most that one parcel may be worth, in cents. */
  limit = 10_000;

  async reserve({ orderId, total }: Order): Promise<void> {
    if (total > this.limit) throw new Error(`${orderId} is worth too much`);
  }
}
