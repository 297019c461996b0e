import { Controller } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { StreamHandler } from 'nestjs-redis-streams';
import type { Order } from './order.controller.js';

/** A service of its own group: it gets every event of the topic. */
@Controller()
export class AuditController {
  cents = 0;

  @StreamHandler('*', { group: 'audit' })
  record(@Payload() { cents }: Order): void {
    this.cents += cents;
  }
}
