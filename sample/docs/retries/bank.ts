import { Injectable } from '@nestjs/common';
import type { Order } from '../shop/orders.js';

export type Answer =
  | { status: 'collected' | 'closed' | 'suspicious' }
  | { status: 'busy'; retryAfterMs: number };

@Injectable()
export class Bank {
  async collect(_order: Order): Promise<Answer> {
    return { status: 'collected' };
  }
}
