import { Injectable } from '@nestjs/common';
import { Outbox } from 'nestjs-redis-streams/postgres';
import type { Pool } from 'pg';
import type { Order, ShopEvents } from '../shop/orders.js';

@Injectable()
export class PgCheckout {
  constructor(
    private readonly pool: Pool,
    private readonly outbox: Outbox<ShopEvents>,
  ) {}

  async place(order: Order): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query('insert into orders (id) values ($1)', [
        order.orderId,
      ]);
      await this.outbox
        .within(client)
        .publish('order.placed', order, { key: order.orderId });
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
}
