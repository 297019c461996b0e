import { Injectable } from '@nestjs/common';
import type { Order } from '../shop/orders.js';

@Injectable()
export class Bank {
  async collect(_order: Order): Promise<'collected' | 'busy' | 'closed'> {
    return 'collected';
  }
}
