import { Controller, Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type AsyncMicroserviceOptions,
  Ctx,
  Payload,
} from '@nestjs/microservices';
import {
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamContext,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

@Controller()
export class OrderController {
  private readonly logger = new Logger(OrderController.name);

  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.placed', { orderBy: 'customerId' })
  async reserve(
    @Payload() order: Order,
    @Ctx() context: StreamContext,
  ): Promise<void> {
    this.logger.log(`${context.id} from ${context.metadata['shop']}`);
    await this.warehouse.reserve(order.orderId);
  }
}

@Injectable()
export class Checkout {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  async buy(order: Order): Promise<void> {
    await this.publisher.publish('order.placed', order, {
      metadata: { shop: 'eu' },
    });
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'order-service',
      retention: { maxAge: 7 * 86_400_000 }, // as a topic of seven days
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
