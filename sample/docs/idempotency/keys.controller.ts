import { Controller } from '@nestjs/common';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class KeysController {
  // #region kinds
  @StreamHandler('parcel.packed', { dedupe: true }) // by the id of the message
  packed(): void {}

  @StreamHandler('parcel.sent', { dedupe: 'idempotencyKey' }) // by the key of its producer
  sent(): void {}
  // #endregion

  // #region name
  @StreamHandler<Order>(['order.paid', 'order.settled'], {
    stream: 'payments',
    dedupe: { name: 'payment', key: ({ payload }) => payload.orderId },
  })
  paid(): void {}
  // #endregion
}
