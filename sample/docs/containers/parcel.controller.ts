import { setTimeout as pause } from 'node:timers/promises';
import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
export class ParcelController {
  private readonly logger = new Logger(ParcelController.name);

  @StreamHandler('order.paid')
  async pack(@Payload() { orderId }: Order): Promise<void> {
    this.logger.log(`packing ${orderId}`);
    await pause(Number(process.env.PACKING_MS ?? 2_000));
    this.logger.log(`packed ${orderId}`);
  }
}
