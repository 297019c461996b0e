import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type AsyncMicroserviceOptions,
  MessagePattern,
  Payload,
} from '@nestjs/microservices';
import {
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import { firstValueFrom } from 'rxjs';
import type { Order, ShopEvents } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

@Controller()
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.placed', { maxDeliveries: 3 })
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }

  @MessagePattern('order.sum')
  sum(@Payload() orders: Order[]): number {
    return orders.reduce((sum, { total }) => sum + total, 0);
  }
}

@Injectable()
export class Checkout {
  constructor(
    private readonly publisher: StreamPublisher<ShopEvents>,
    private readonly client: RedisStreamsClient,
  ) {}

  /** Resolves once Redis has stored the message. */
  async buy(order: Order): Promise<void> {
    await this.publisher.publish('order.placed', order);
  }

  sum(orders: Order[]): Promise<number> {
    return firstValueFrom(this.client.send<number>('order.sum', orders));
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'order-service',
    }),
  ],
  controllers: [OrderController],
  providers: [Checkout, Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    AppModule,
    {
      inject: [RedisStreamsTransport],
      useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
    },
  );
  app.enableShutdownHooks();
  await app.listen();
  return app;
}
