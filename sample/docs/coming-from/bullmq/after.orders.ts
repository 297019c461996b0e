import {
  Controller,
  Injectable,
  Logger,
  Module,
  type OnModuleInit,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type AsyncMicroserviceOptions, Payload } from '@nestjs/microservices';
import {
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import type { Order, ShopEvents } from '../../shop/orders.js';
import { type Email, Mailer } from '../mailer.js';
import { Warehouse } from '../warehouse.js';

@Controller()
export class OrderController implements OnModuleInit {
  private readonly logger = new Logger(OrderController.name);

  constructor(
    private readonly warehouse: Warehouse,
    private readonly mailer: Mailer,
    private readonly transport: RedisStreamsTransport,
  ) {}

  @StreamHandler('order.placed', { concurrency: 10 })
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }

  @StreamHandler('email.send', { concurrency: 10 })
  async mail(@Payload() email: Email): Promise<void> {
    await this.mailer.send(email);
  }

  onModuleInit(): void {
    this.transport.on('dead-lettered', ({ handler, id, error }) => {
      this.logger.error(`${handler} gave up ${id}`, error);
    });
  }
}

@Injectable()
export class Checkout {
  constructor(private readonly publisher: StreamPublisher<ShopEvents>) {}

  async buy(order: Order): Promise<void> {
    const { orderId, customerId } = order;
    await this.publisher.publish('order.placed', order, {
      idempotencyKey: orderId,
    });
    const email = { to: customerId, template: 'how-was-it' };
    await this.publisher.publish('email.send', email, { delay: 86_400_000 });
  }
}

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'order-service',
      maxDeliveries: 3,
      backoff: { type: 'exponential', delay: 1_000, jitter: 0 },
      retention: 'deleteWhenSettled',
    }),
  ],
  controllers: [OrderController],
  providers: [Checkout, Warehouse, Mailer],
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
