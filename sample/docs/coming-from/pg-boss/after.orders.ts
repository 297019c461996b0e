import { Controller, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AsyncMicroserviceOptions, Payload } from '@nestjs/microservices';
import {
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams/core';
import { postgres } from 'nestjs-redis-streams/postgres';
import { Pool } from 'pg';
import type { Order, ShopEvents } from '../../shop/orders.js';
import { type Email, Mailer } from '../mailer.js';
import { Warehouse } from '../warehouse.js';

const url = process.env.DATABASE_URL ?? 'postgres://localhost';

@Controller()
export class OrderController {
  constructor(
    private readonly warehouse: Warehouse,
    private readonly mailer: Mailer,
  ) {}

  @StreamHandler('order.placed')
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }

  @StreamHandler('email.send')
  async mail(@Payload() email: Email): Promise<void> {
    await this.mailer.send(email);
  }
}

@Injectable()
export class Checkout {
  constructor(
    private readonly pool: Pool,
    private readonly publisher: StreamPublisher<ShopEvents>,
  ) {}

  async buy(order: Order): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query('insert into orders values ($1)', [order.orderId]);
      const publisher = this.publisher.within(client);
      await publisher.publish('order.placed', order);
      const email = { to: order.customerId, template: 'how-was-it' };
      await publisher.publish('email.send', email, { delay: 86_400_000 });
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
}

const driver = postgres({ url });

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'order-service',
      slots: {
        messageSource: driver,
        stateStore: driver,
        deadLetterQueue: driver,
      },
      maxDeliveries: 5,
      backoff: { type: 'exponential', delay: 1_000 },
      retention: 'deleteWhenSettled',
    }),
  ],
  controllers: [OrderController],
  providers: [
    { provide: Pool, useValue: new Pool({ connectionString: url }) },
    Checkout,
    Warehouse,
    Mailer,
  ],
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
