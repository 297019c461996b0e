import { Controller, Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type AsyncMicroserviceOptions,
  Ctx,
  MessagePattern,
  Payload,
} from '@nestjs/microservices';
import {
  StreamContext,
  StreamHandler,
  StreamPublisher,
  StreamsClient,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams/core';
import { nats } from 'nestjs-redis-streams/nats';
import { firstValueFrom } from 'rxjs';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

@Controller()
export class OrderController {
  private readonly logger = new Logger(OrderController.name);

  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.placed')
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }

  @StreamHandler('parcel.*')
  track(@Payload() _parcel: object, @Ctx() context: StreamContext): void {
    this.logger.log(context.getPattern());
  }

  @MessagePattern('order.sum')
  sum(@Payload() orders: Order[]): number {
    return orders.reduce((sum, { total }) => sum + total, 0);
  }
}

@Injectable()
export class Checkout {
  constructor(
    private readonly publisher: StreamPublisher,
    private readonly client: StreamsClient,
  ) {}

  async buy(order: Order): Promise<void> {
    await this.publisher.publish('order.placed', order);
  }

  async track(parcel: string): Promise<void> {
    await this.publisher.publish('parcel.packed.eu', { parcel });
  }

  sum(orders: Order[]): Promise<number> {
    return firstValueFrom(this.client.send<number>('order.sum', orders));
  }
}

const driver = nats({ url: process.env.NATS_URL });

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'order-service',
      keyPrefix: 'js.', // subjects that Nest's transport does not use
      slots: { messageSource: driver, deadLetterQueue: driver },
      routes: [{ events: 'parcel.*', stream: 'parcels' }],
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
      inject: [StreamsTransport],
      useFactory: (strategy: StreamsTransport) => ({ strategy }),
    },
  );
  app.enableShutdownHooks();
  await app.listen();
  return app;
}
