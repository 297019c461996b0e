import {
  BullModule,
  InjectFlowProducer,
  Processor,
  WorkerHost,
} from '@nestjs/bullmq';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FlowProducer, type Job } from 'bullmq';
import { Warehouse } from '../warehouse.js';

interface Receipt {
  orderId: string;
  parcel: string;
}

// #region flow
@Injectable()
export class Shipping {
  constructor(@InjectFlowProducer() private readonly flows: FlowProducer) {}

  async ship(orderId: string, parcels: string[]): Promise<void> {
    await this.flows.add({
      name: 'order.shipped',
      queueName: 'shipped',
      children: parcels.map((parcel) => ({
        name: 'parcel.ship',
        queueName: 'parcels',
        data: { orderId, parcel },
      })),
    });
  }
}

@Processor('parcels')
export class ParcelProcessor extends WorkerHost {
  async process(job: Job): Promise<Receipt> {
    return { orderId: job.data.orderId, parcel: job.data.parcel };
  }
}

@Processor('shipped')
export class ShippedProcessor extends WorkerHost {
  constructor(private readonly warehouse: Warehouse) {
    super();
  }

  async process(job: Job): Promise<void> {
    const receipts = Object.values(await job.getChildrenValues<Receipt>());
    await this.warehouse.close(receipts);
  }
}
// #endregion

@Module({
  imports: [
    BullModule.forRoot({
      connection: { url: process.env.REDIS_URL ?? 'redis://localhost' },
    }),
    BullModule.registerQueue({ name: 'parcels' }, { name: 'shipped' }),
    BullModule.registerFlowProducer({}),
  ],
  providers: [ParcelProcessor, ShippedProcessor, Shipping, Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createApplicationContext(AppModule);
  app.enableShutdownHooks();
  return app;
}
