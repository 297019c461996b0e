import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AsyncMicroserviceOptions, Payload } from '@nestjs/microservices';
import {
  backstageCodec,
  next,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  type WorkflowInstruction,
} from 'nestjs-redis-streams';
import type { Order } from '../../shop/orders.js';
import { type Email, Mailer } from '../mailer.js';
import { Warehouse } from '../warehouse.js';

@Controller()
export class TaskController {
  constructor(
    private readonly warehouse: Warehouse,
    private readonly mailer: Mailer,
  ) {}

  @StreamHandler('order.process')
  async process(@Payload() order: Order): Promise<WorkflowInstruction<Email>> {
    await this.warehouse.reserve(order.orderId);
    const email = { to: order.customerId, template: 'reserved' };
    return next('email.send', email, { delay: 5_000 });
  }

  @StreamHandler('email.send')
  async send(@Payload() email: Email): Promise<void> {
    await this.mailer.send(email);
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'order-workers',
      codec: backstageCodec, // taskName, payload, enqueuedAt
      routes: [{ events: '*', stream: 'backstage:default' }],
      unmatched: 'dead-letter',
      retention: 'deleteWhenSettled',
    }),
  ],
  controllers: [TaskController],
  providers: [Warehouse, Mailer],
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
