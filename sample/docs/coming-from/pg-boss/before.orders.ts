import {
  Injectable,
  Logger,
  Module,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Pool } from 'pg';
import PgBoss from 'pg-boss';
import type { Order } from '../../shop/orders.js';
import { type Email, Mailer } from '../mailer.js';
import { Warehouse } from '../warehouse.js';

const connectionString = process.env.DATABASE_URL ?? 'postgres://localhost';

@Injectable()
export class Jobs implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly logger = new Logger(Jobs.name);
  readonly boss = new PgBoss({
    connectionString,
    pollingIntervalSeconds: 0.5,
  });

  constructor(
    private readonly warehouse: Warehouse,
    private readonly mailer: Mailer,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { boss } = this;
    boss.on('error', (error) => this.logger.error(error));
    await boss.start();
    await boss.createQueue('order.failed');
    await boss.createQueue('order.placed', {
      name: 'order.placed',
      retryLimit: 4,
      retryDelay: 1,
      retryBackoff: true,
      deadLetter: 'order.failed',
    });
    await boss.createQueue('email.send');
    await boss.work<Order>('order.placed', async (jobs) => {
      for (const job of jobs) await this.warehouse.reserve(job.data.orderId);
    });
    await boss.work<Email>('email.send', async (jobs) => {
      for (const job of jobs) await this.mailer.send(job.data);
    });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.boss.stop();
  }
}

@Injectable()
export class Checkout {
  constructor(
    private readonly pool: Pool,
    private readonly jobs: Jobs,
  ) {}

  async buy(order: Order): Promise<void> {
    const { boss } = this.jobs;
    const client = await this.pool.connect();
    try {
      await client.query('begin');
      await client.query('insert into orders values ($1)', [order.orderId]);
      const db = {
        executeSql: (text: string, values: unknown[]) =>
          client.query(text, values),
      };
      await boss.send('order.placed', order, { db });
      const email = { to: order.customerId, template: 'how-was-it' };
      await boss.send('email.send', email, { db, startAfter: 86_400 });
      await client.query('commit');
    } catch (error) {
      await client.query('rollback');
      throw error;
    } finally {
      client.release();
    }
  }
}

@Module({
  providers: [
    { provide: Pool, useValue: new Pool({ connectionString }) },
    Jobs,
    Checkout,
    Warehouse,
    Mailer,
  ],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createApplicationContext(AppModule);
  app.enableShutdownHooks();
  return app;
}
