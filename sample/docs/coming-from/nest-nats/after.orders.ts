import { Controller, Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  type AsyncMicroserviceOptions,
  Ctx,
  MessagePattern,
  Payload,
} from '@nestjs/microservices';
import {
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamContext,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
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
    private readonly client: RedisStreamsClient,
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

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'order-service',
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
      inject: [RedisStreamsTransport],
      useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
    },
  );
  app.enableShutdownHooks();
  await app.listen();
  return app;
}
