import { Injectable } from '@nestjs/common';
import type { Order } from '../shop/orders.js';

@Injectable()
export class Bills {
  /** Takes as long as the printer needs. */
  async write(order: Order): Promise<string> {
    return `bill of ${order.orderId}`;
  }
}
