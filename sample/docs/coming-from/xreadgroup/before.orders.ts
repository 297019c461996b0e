import {
  Injectable,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

const url = process.env.REDIS_URL ?? 'redis://localhost';

@Injectable()
export class OrderLoop implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly logger = new Logger(OrderLoop.name);
  private readonly reader = new Redis(url); // its reads block
  private readonly redis = new Redis(url);
  private running = Promise.resolve();
  private stopped = false;

  constructor(private readonly warehouse: Warehouse) {}

  async onApplicationBootstrap(): Promise<void> {
    await this.redis
      .xgroup('CREATE', 'orders', 'billing', '0', 'MKSTREAM')
      .catch(() => undefined); // it is there
    this.running = this.run();
  }

  private async run(): Promise<void> {
    while (!this.stopped) {
      const reply = await this.reader.xreadgroup(
        'GROUP',
        'billing',
        'billing-1',
        'COUNT',
        10,
        'BLOCK',
        1_000,
        'STREAMS',
        'orders',
        '>',
      );
      for (const [, entries] of reply ?? [])
        for (const [id, fields] of entries) await this.take(id, fields ?? []);
    }
  }

  private async take(id: string, fields: string[]): Promise<void> {
    try {
      const type = fields[fields.indexOf('type') + 1];
      const body = fields[fields.indexOf('body') + 1] ?? '';
      const order: Order = JSON.parse(body);
      if (type === 'order.placed') await this.warehouse.reserve(order.orderId);
      await this.redis.xack('orders', 'billing', id);
    } catch (error) {
      this.logger.error(`${id} stays pending`, error);
    }
  }

  async onModuleDestroy(): Promise<void> {
    this.stopped = true;
    await this.running;
    this.reader.disconnect();
    this.redis.disconnect();
  }
}

@Injectable()
export class Checkout implements OnModuleDestroy {
  private readonly redis = new Redis(url);

  async buy(order: Order): Promise<void> {
    const fields = ['type', 'order.placed', 'body', JSON.stringify(order)];
    await this.redis.xadd('orders', '*', ...fields, 'at', Date.now());
  }

  onModuleDestroy(): void {
    this.redis.disconnect();
  }
}

@Module({ providers: [OrderLoop, Checkout, Warehouse] })
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createApplicationContext(AppModule);
  app.enableShutdownHooks();
  return app;
}
