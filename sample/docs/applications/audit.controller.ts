import { Controller, Inject, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import {
  getStreamsToken,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Controller()
export class AuditController {
  private readonly logger = new Logger(AuditController.name);

  constructor(
    @Inject(getStreamsToken('audit', StreamPublisher))
    private readonly publisher: StreamPublisher<ShopEvents>,
  ) {}

  /** Reads from the shop's Redis, and writes to that of the audit. */
  @StreamHandler('order.paid')
  async forward(@Payload() order: Order): Promise<void> {
    await this.publisher.publish('order.paid', order);
  }

  /** Reads from the Redis of the audit. */
  @StreamHandler('order.paid', { name: 'audit' })
  record(@Payload() order: Order): void {
    this.logger.log(`${order.customerId} paid ${order.total}`);
  }
}
