import { Controller, Inject, Module } from '@nestjs/common';
import { ClientsModule, Payload } from '@nestjs/microservices';
import { RedisStreamsClient, StreamHandler } from 'nestjs-redis-streams';
import type { Order } from '../shop/orders.js';

@Controller()
class OrderController {
  constructor(@Inject('SHOP') private readonly client: RedisStreamsClient) {}

  @StreamHandler('order.placed')
  ship(@Payload() { orderId }: Order): void {
    this.client.emit('order.shipped', { orderId, parcel: 'p-1' });
  }
}

@Module({
  imports: [
    ClientsModule.register([
      {
        name: 'SHOP',
        customClass: RedisStreamsClient,
        options: { url: process.env.REDIS_URL ?? 'redis://localhost:6379' },
      },
    ]),
  ],
  controllers: [OrderController],
})
export class BareModule {}
