import { Injectable } from '@nestjs/common';
import { Outbox, typeOrmTransaction } from 'nestjs-redis-streams/postgres';
import { DataSource } from 'typeorm';
import type { Order, ShopEvents } from '../shop/orders.js';
import { Orders } from './data-source.js';

@Injectable()
export class Checkout {
  constructor(
    private readonly dataSource: DataSource,
    private readonly outbox: Outbox<ShopEvents>,
  ) {}

  /** Either the order is stored and its event will be published, or neither. */
  async place(order: Order): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.insert(Orders, order);
      const outbox = this.outbox.within(typeOrmTransaction(manager));
      await outbox.publish('order.placed', order, { key: order.orderId });
    });
  }
}
