import { Controller, Module } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import {
  RedisStreamsModule,
  StreamContext,
  StreamHandler,
} from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { routes } from './shop.routes.js';

@Controller()
export class LedgerController {
  readonly booked: string[] = [];

  @StreamHandler('order.*', { orderBy: 'customerId' }) // all of the stream orders
  book(@Payload() { orderId }: Order, @Ctx() { message }: StreamContext): void {
    this.booked.push(`${message.eventType} ${orderId}`);
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'ledger',
      routes,
    }),
  ],
  controllers: [LedgerController],
})
export class LedgerModule {}
