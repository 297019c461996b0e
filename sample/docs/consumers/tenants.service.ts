import { Injectable } from '@nestjs/common';
import { StreamsTransport } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Invoices } from './invoices.js';

/** Each tenant has a stream of its own, and comes and goes. */
@Injectable()
export class Tenants {
  constructor(
    private readonly transport: StreamsTransport,
    private readonly invoices: Invoices,
  ) {}

  async add(tenant: string): Promise<void> {
    await this.transport.subscribe<Order>(
      `${tenant}.order.paid`,
      (order, { signal }) =>
        this.invoices.write(order.orderId, order.total, signal),
      { orderBy: ({ payload }) => payload.customerId },
    );
  }

  async remove(tenant: string): Promise<void> {
    await this.transport.unsubscribe(`${tenant}.order.paid`);
  }
}
