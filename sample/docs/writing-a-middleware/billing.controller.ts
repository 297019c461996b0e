import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class BillingController {
  private readonly logger = new Logger(BillingController.name);

  @StreamHandler('order.placed')
  bill(@Payload() { orderId }: Order): void {
    this.logger.log(`a bill for ${orderId}`);
  }
}
