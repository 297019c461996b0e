import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { next, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { Warehouse } from '../shop/warehouse.js';
import { Mails } from './mails.js';

@Controller()
export class OrderController {
  constructor(
    private readonly warehouse: Warehouse,
    private readonly mails: Mails,
  ) {}

  @StreamHandler('order.placed')
  async reserve(@Payload() order: Order) {
    await this.warehouse.reserve(order.orderId);
    return next('order.thank', order, { delay: 5_000 });
  }

  @StreamHandler('order.thank')
  async thank(@Payload() { customerId }: Order): Promise<void> {
    await this.mails.send(customerId, 'thanks'); // returns nothing: the last step
  }
}
