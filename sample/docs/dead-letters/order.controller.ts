import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';
import { Mailer, Warehouse } from './services.js';

@Controller()
export class OrderController {
  constructor(
    private readonly warehouse: Warehouse,
    private readonly mailer: Mailer,
  ) {}

  @StreamHandler('order.placed', {
    maxDeliveries: 3,
    deadLetter: { forward: 'order.unclear' },
  })
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }

  @StreamHandler('email.send', { maxDeliveries: 2, deadLetter: 'drop' })
  async send(@Payload() email: ShopEvents['email.send']): Promise<void> {
    await this.mailer.send(email.to, email.template);
  }
}
