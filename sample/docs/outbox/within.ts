import { Injectable } from '@nestjs/common';
import { StreamPublisher } from 'nestjs-redis-streams/core';
import { typeOrmTransaction } from 'nestjs-redis-streams/postgres';
import { DataSource } from 'typeorm';
import type { Order, ShopEvents } from '../shop/orders.js';
import { Orders } from './data-source.js';

@Injectable()
export class DirectCheckout {
  constructor(
    private readonly dataSource: DataSource,
    private readonly publisher: StreamPublisher<ShopEvents>,
  ) {}

  async place(order: Order): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.insert(Orders, order);
      const publisher = this.publisher.within(typeOrmTransaction(manager));
      await publisher.publish('order.placed', order);
    });
  }
}
