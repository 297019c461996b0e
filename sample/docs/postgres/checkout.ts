import { Injectable } from '@nestjs/common';
import { StreamPublisher } from 'nestjs-redis-streams/core';
import { Pool } from 'pg';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class Checkout {
  constructor(
    private readonly pool: Pool,
    private readonly publisher: StreamPublisher<ShopEvents>,
  ) {}

  /** The row and the message are written together, or neither is. */
  async buy({ orderId, customerId, total }: Order): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query('insert into orders (id, total) values ($1, $2)', [
        orderId,
        total,
      ]);
      await this.publisher
        .within(client)
        .publish('order.placed', { orderId, customerId, total });
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
}
