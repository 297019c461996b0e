import { Injectable, type OnModuleInit } from '@nestjs/common';
import { StreamConsumers } from 'nestjs-redis-streams';
import type { ShopEvents } from '../shop/orders.js';
import { Invoices } from './invoices.js';

@Injectable()
export class Billing implements OnModuleInit {
  constructor(
    private readonly consumers: StreamConsumers,
    private readonly invoices: Invoices,
  ) {}

  async onModuleInit(): Promise<void> {
    const consumer = this.consumers.create<ShopEvents>({
      stream: 'orders',
      group: 'billing',
    });
    await consumer.start(
      async (message, { signal }) => {
        const { payload, eventType } = message; // typed by the events below
        if (eventType === 'order.paid') {
          await this.invoices.write(payload.orderId, payload.total, signal);
        } else {
          await this.invoices.close(payload.orderId);
        }
        return true; // acknowledge it
      },
      ['order.paid', 'order.shipped'],
    );
  }
}
