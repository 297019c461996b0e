import { Controller, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  EventPattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import {
  RedisStreamsModule,
  RedisStreamsTransport,
} from 'nestjs-redis-streams';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';
import { AckInterceptor } from './ack.interceptor.js';
import { broker } from './before.orders.js';

@Controller()
@UseInterceptors(AckInterceptor)
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @EventPattern('order.placed', { concurrency: 10 })
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
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
  providers: [Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.connectMicroservice<MicroserviceOptions>(
    {
      transport: Transport.RMQ,
      options: { ...broker, noAck: false, prefetchCount: 10 },
    },
    { inheritAppConfig: true },
  );
  app.connectMicroservice<MicroserviceOptions>(
    { strategy: app.get(RedisStreamsTransport) },
    { inheritAppConfig: true },
  );
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.init(); // or app.listen(), where it serves HTTP too
  return app;
}
