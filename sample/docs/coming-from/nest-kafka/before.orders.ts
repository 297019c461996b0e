import { Controller, Inject, Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientKafka,
  ClientsModule,
  Ctx,
  EventPattern,
  KafkaContext,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

export const kafka = {
  client: {
    clientId: 'orders',
    brokers: [process.env.KAFKA_BROKER ?? 'localhost:9092'],
  },
  consumer: { groupId: 'order-service' },
  subscribe: { fromBeginning: true },
};

@Controller()
export class OrderController {
  private readonly logger = new Logger(OrderController.name);

  constructor(private readonly warehouse: Warehouse) {}

  @EventPattern<string>('order.placed')
  async reserve(
    @Payload() order: Order,
    @Ctx() context: KafkaContext,
  ): Promise<void> {
    const { headers, offset } = context.getMessage();
    this.logger.log(`${offset} from ${headers?.['shop']?.toString()}`);
    await this.warehouse.reserve(order.orderId);
  }
}

@Injectable()
export class Checkout {
  constructor(@Inject('ORDERS') private readonly client: ClientKafka) {}

  async buy(order: Order): Promise<void> {
    const message = {
      key: order.customerId, // one customer's orders stay in order
      value: order,
      headers: { shop: 'eu' },
    };
    await firstValueFrom(this.client.emit('order.placed', message));
  }
}

@Module({
  imports: [
    ClientsModule.register([
      { name: 'ORDERS', transport: Transport.KAFKA, options: kafka },
    ]),
  ],
  controllers: [OrderController],
  providers: [Checkout, Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    AppModule,
    { transport: Transport.KAFKA, options: kafka },
  );
  await app.listen();
  return app;
}
