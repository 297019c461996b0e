import type { Provider } from '@nestjs/common';
import { DataSource, EntitySchema } from 'typeorm';
import type { Order } from '../shop/orders.js';

/** The orders of the shop, in the same database. */
export const Orders = new EntitySchema<Order>({
  name: 'orders',
  columns: {
    orderId: { type: 'text', primary: true },
    customerId: { type: 'text' },
    total: { type: 'int' },
  },
});

export const dataSource: Provider = {
  provide: DataSource,
  useFactory: () =>
    new DataSource({
      type: 'postgres',
      url: 'postgres://localhost/shop',
      entities: [Orders],
    }).initialize(),
};
