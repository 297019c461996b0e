import {
  BullModule,
  InjectQueue,
  OnWorkerEvent,
  Processor,
  WorkerHost,
} from '@nestjs/bullmq';
import { Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type Job, Queue } from 'bullmq';
import type { Order } from '../../shop/orders.js';
import { Mailer } from '../mailer.js';
import { Warehouse } from '../warehouse.js';

@Processor('orders', { concurrency: 10 })
export class OrderProcessor extends WorkerHost {
  private readonly logger = new Logger(OrderProcessor.name);

  constructor(
    private readonly warehouse: Warehouse,
    private readonly mailer: Mailer,
  ) {
    super();
  }

  async process(job: Job): Promise<void> {
    switch (job.name) {
      case 'order.placed':
        return this.warehouse.reserve(job.data.orderId);
      case 'email.send':
        return this.mailer.send(job.data);
    }
  }

  @OnWorkerEvent('failed')
  failed(job: Job, error: Error): void {
    this.logger.error(`${job.name} ${job.id} failed`, error);
  }
}

@Injectable()
export class Checkout {
  constructor(@InjectQueue('orders') private readonly queue: Queue) {}

  async buy(order: Order): Promise<void> {
    await this.queue.add('order.placed', order, { jobId: order.orderId });
    const email = { to: order.customerId, template: 'how-was-it' };
    await this.queue.add('email.send', email, { delay: 86_400_000 });
  }
}

@Module({
  imports: [
    BullModule.forRoot({
      connection: { url: process.env.REDIS_URL ?? 'redis://localhost' },
    }),
    BullModule.registerQueue({
      name: 'orders',
      defaultJobOptions: {
        attempts: 3,
        backoff: { type: 'exponential', delay: 1_000 },
        removeOnComplete: true,
      },
    }),
  ],
  providers: [OrderProcessor, Checkout, Warehouse, Mailer],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createApplicationContext(AppModule);
  app.enableShutdownHooks();
  return app;
}
