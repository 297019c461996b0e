import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AsyncMicroserviceOptions, Payload } from '@nestjs/microservices';
import {
  fanOut,
  type JoinedResults,
  next,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  Workflows,
} from 'nestjs-redis-streams';
import { Warehouse } from '../warehouse.js';

interface Receipt {
  orderId: string;
  parcel: string;
}

// #region flow
@Injectable()
export class Shipping {
  constructor(private readonly workflows: Workflows) {}

  async ship(orderId: string, parcels: string[]): Promise<void> {
    await this.workflows.start('order.ship', { orderId, parcels });
  }
}

@Controller()
export class ShippingController {
  constructor(private readonly warehouse: Warehouse) {}

  @StreamHandler('order.ship')
  ship(@Payload() order: { orderId: string; parcels: string[] }) {
    const { orderId, parcels } = order;
    return fanOut(
      parcels.map((parcel) => next('parcel.ship', { orderId, parcel })),
      { join: 'order.shipped' },
    );
  }

  @StreamHandler('parcel.ship')
  parcel(@Payload() { orderId, parcel }: Receipt): Receipt {
    return { orderId, parcel };
  }

  @StreamHandler('order.shipped')
  async shipped(@Payload() { results }: JoinedResults<Receipt>): Promise<void> {
    await this.warehouse.close(results);
  }
}
// #endregion

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'shipping',
    }),
  ],
  controllers: [ShippingController],
  providers: [Shipping, Warehouse],
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
