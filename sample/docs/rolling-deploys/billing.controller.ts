import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Controller()
export class BillingController {
  private readonly logger = new Logger(BillingController.name);

  /** In the old version, too. */
  @StreamHandler('order.paid')
  paid(@Payload() { orderId }: Order): void {
    this.logger.log(`${orderId} is paid`);
  }

  /** New in this version. */
  @StreamHandler('order.shipped')
  shipped(@Payload() { orderId }: ShopEvents['order.shipped']): void {
    this.logger.log(`${orderId} is shipped`);
  }
}
