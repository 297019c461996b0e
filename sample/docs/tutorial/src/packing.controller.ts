import { Controller, Logger } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { StreamContext, StreamHandler } from 'nestjs-redis-streams';
import { Order } from './order.js';
import { Warehouse } from './warehouse.js';

@Controller()
export class PackingController {
  private readonly logger = new Logger(PackingController.name);

  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.placed', {
    maxDeliveries: 3,
    backoff: { delay: 1_000 },
  })
  async pack(
    @Payload() order: Order,
    @Ctx() context: StreamContext,
  ): Promise<void> {
    this.logger.log(`packing ${order.orderId}, run ${context.attempt}`);
    await this.warehouse.reserve(order);
    this.logger.log(`packed ${order.orderId}`);
  }
}
