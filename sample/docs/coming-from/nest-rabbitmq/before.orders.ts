import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxy,
  ClientsModule,
  Ctx,
  EventPattern,
  type MicroserviceOptions,
  Payload,
  RmqContext,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

export const broker = {
  urls: [process.env.AMQP_URL ?? 'amqp://localhost'],
  queue: 'orders',
  queueOptions: {
    durable: true,
    arguments: {
      'x-dead-letter-exchange': '',
      'x-dead-letter-routing-key': 'orders.failed',
    },
  },
  persistent: true,
};

@Controller()
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @EventPattern<string>('order.placed')
  async reserve(
    @Payload() order: Order,
    @Ctx() context: RmqContext,
  ): Promise<void> {
    const channel = context.getChannelRef();
    try {
      await this.warehouse.reserve(order.orderId);
      channel.ack(context.getMessage());
    } catch {
      channel.nack(context.getMessage(), false, false); // to orders.failed
    }
  }
}

@Injectable()
export class Checkout {
  constructor(@Inject('ORDERS') private readonly client: ClientProxy) {}

  async buy(order: Order): Promise<void> {
    await firstValueFrom(this.client.emit('order.placed', order));
  }
}

@Module({
  imports: [
    ClientsModule.register([
      { name: 'ORDERS', transport: Transport.RMQ, options: broker },
    ]),
  ],
  controllers: [OrderController],
  providers: [Checkout, Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    AppModule,
    {
      transport: Transport.RMQ,
      options: { ...broker, noAck: false, prefetchCount: 10 },
    },
  );
  await app.listen();
  return app;
}
