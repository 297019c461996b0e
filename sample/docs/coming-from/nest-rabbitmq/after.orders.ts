import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AsyncMicroserviceOptions, Payload } from '@nestjs/microservices';
import {
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

@Controller()
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.placed', { concurrency: 10 })
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }
}

@Injectable()
export class Checkout {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  async buy(order: Order): Promise<void> {
    await this.publisher.publish('order.placed', order);
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'order-service',
      retention: 'deleteWhenSettled',
      isUnrecoverable: () => true, // put aside what throws, as nack did
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
