import { Controller, Logger } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../shop/orders.js';

@Controller()
export class MailController {
  private readonly logger = new Logger(MailController.name);

  @StreamHandler('email.send')
  send(@Payload() { to, template }: ShopEvents['email.send']): void {
    if (!to.includes('@')) throw new Error(`${to} is no address.`);
    this.logger.log(`${template} goes to ${to}`);
  }

  @StreamHandler('order.paid')
  thank(@Payload() { customerId }: Order): void {
    this.logger.log(`thanks go to ${customerId}`);
  }
}
