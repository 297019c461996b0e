import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { ShopEvents } from '../shop/orders.js';
import { Mails } from './mails.js';

@Controller()
export class EmailController {
  constructor(private readonly mails: Mails) {}

  @StreamHandler('email.send') // knows nothing of the delay
  async send(@Payload() email: ShopEvents['email.send']): Promise<void> {
    await this.mails.send(email.to, email.template);
  }
}
