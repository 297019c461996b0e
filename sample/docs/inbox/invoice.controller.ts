import { Controller } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import { EntitySchema, type EntityManager } from 'typeorm';
import type { Order } from '../shop/orders.js';

export const Invoices = new EntitySchema<{ orderId: string; total: number }>({
  name: 'invoices',
  columns: {
    orderId: { type: 'text', primary: true },
    total: { type: 'int' },
  },
});

@Controller()
export class InvoiceController {
  @StreamHandler<Order>('order.placed', { inbox: true })
  async write(
    @Payload() order: Order,
    @Ctx() context: StreamContext,
  ): Promise<void> {
    const manager = context.transaction<EntityManager>();
    await manager.insert(Invoices, {
      orderId: order.orderId,
      total: order.total,
    });
  }
}
