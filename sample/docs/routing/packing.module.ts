import { Controller, Module } from '@nestjs/common';
import { Payload } from '@nestjs/microservices';
import { RedisStreamsModule, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';
import { routes } from './shop.routes.js';

@Controller()
export class PackingController {
  readonly packed: string[] = [];

  @StreamHandler('order.placed') // one event type of the stream orders
  pack(@Payload() { orderId }: Order): void {
    this.packed.push(orderId);
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'packing',
      routes,
    }),
  ],
  controllers: [PackingController],
})
export class PackingModule {}
