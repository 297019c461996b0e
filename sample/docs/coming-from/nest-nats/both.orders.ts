import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  EventPattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { StreamsModule, StreamsTransport } from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';
import { nats as options } from './before.orders.js';

@Controller()
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @EventPattern('order.placed')
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }
}

const driver = nats({ url: process.env.NATS_URL });

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'order-service',
      keyPrefix: 'js.', // subjects that Nest's transport does not use
      slots: { messageSource: driver, deadLetterQueue: driver },
    }),
  ],
  controllers: [OrderController],
  providers: [Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.connectMicroservice<MicroserviceOptions>(
    { transport: Transport.NATS, options },
    { inheritAppConfig: true },
  );
  app.connectMicroservice<MicroserviceOptions>(
    { strategy: app.get(StreamsTransport) },
    { inheritAppConfig: true },
  );
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.init(); // or app.listen(), where it serves HTTP too
  return app;
}
