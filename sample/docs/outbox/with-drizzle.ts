import { Injectable } from '@nestjs/common';
import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { pgTable, text } from 'drizzle-orm/pg-core';
import { drizzleTransaction, Outbox } from 'nestjs-redis-streams/postgres';
import type { Order, ShopEvents } from '../shop/orders.js';

const orders = pgTable('orders', { id: text().primaryKey() });

@Injectable()
export class DrizzleCheckout {
  constructor(
    private readonly database: NodePgDatabase,
    private readonly outbox: Outbox<ShopEvents>,
  ) {}

  async place(order: Order): Promise<void> {
    await this.database.transaction(async (tx) => {
      await tx.insert(orders).values({ id: order.orderId });
      const outbox = this.outbox.within(drizzleTransaction(tx, sql));
      await outbox.publish('order.placed', order, { key: order.orderId });
    });
  }
}
