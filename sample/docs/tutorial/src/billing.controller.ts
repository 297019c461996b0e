import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import { Order } from './order.js';

@Controller()
export class BillingController {
  private readonly logger = new Logger(BillingController.name);

  @StreamHandler('order.placed', { group: 'billing' })
  bill(@Payload() { orderId, total }: Order): void {
    this.logger.log(`${orderId} costs ${total}`);
  }
}
