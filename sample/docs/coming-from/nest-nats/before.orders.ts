import { Controller, Inject, Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxy,
  ClientsModule,
  Ctx,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  NatsContext,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

export const nats = {
  servers: [process.env.NATS_URL ?? 'nats://localhost:4222'],
  queue: 'order-service',
};

@Controller()
export class OrderController {
  private readonly logger = new Logger(OrderController.name);

  constructor(private readonly warehouse: Warehouse) {}

  @EventPattern('order.placed')
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
  }

  @EventPattern<string>('parcel.>')
  track(@Payload() _parcel: object, @Ctx() context: NatsContext): void {
    this.logger.log(context.getSubject());
  }

  @MessagePattern('order.sum')
  sum(@Payload() orders: Order[]): number {
    return orders.reduce((sum, { total }) => sum + total, 0);
  }
}

@Injectable()
export class Checkout {
  constructor(@Inject('ORDERS') private readonly client: ClientProxy) {}

  async buy(order: Order): Promise<void> {
    await firstValueFrom(this.client.emit('order.placed', order));
  }

  async track(parcel: string): Promise<void> {
    await firstValueFrom(this.client.emit('parcel.packed.eu', { parcel }));
  }

  sum(orders: Order[]): Promise<number> {
    return firstValueFrom(this.client.send<number>('order.sum', orders));
  }
}

@Module({
  imports: [
    ClientsModule.register([
      { name: 'ORDERS', transport: Transport.NATS, options: nats },
    ]),
  ],
  controllers: [OrderController],
  providers: [Checkout, Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    AppModule,
    { transport: Transport.NATS, options: nats },
  );
  await app.listen();
  return app;
}
