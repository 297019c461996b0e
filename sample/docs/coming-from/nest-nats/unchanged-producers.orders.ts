import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AsyncMicroserviceOptions, Payload } from '@nestjs/microservices';
import {
  StreamHandler,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';
import { nestPackets } from './nest-packets.codec.js';

@Controller()
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.placed')
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }
}

const driver = nats({ url: process.env.NATS_URL });

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'order-service',
      codec: nestPackets,
      slots: { messageSource: driver, deadLetterQueue: driver },
    }),
  ],
  controllers: [OrderController],
  providers: [Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(
    AppModule,
    {
      inject: [StreamsTransport],
      useFactory: (strategy: StreamsTransport) => ({ strategy }),
    },
  );
  app.enableShutdownHooks();
  await app.listen();
  return app;
}
