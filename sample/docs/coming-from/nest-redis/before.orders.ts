import { Controller, Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxy,
  ClientsModule,
  EventPattern,
  MessagePattern,
  type MicroserviceOptions,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { firstValueFrom } from 'rxjs';
import type { Order } from '../../shop/orders.js';
import { Warehouse } from '../warehouse.js';

export const connection = {
  host: process.env.REDIS_HOST ?? 'localhost',
  port: Number(process.env.REDIS_PORT ?? 6379),
};

@Controller()
export class OrderController {
  constructor(private readonly warehouse: Warehouse) {}

  @EventPattern('order.placed')
  async reserve(@Payload() order: Order): Promise<void> {
    await this.warehouse.reserve(order.orderId);
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

  sum(orders: Order[]): Promise<number> {
    return firstValueFrom(this.client.send<number>('order.sum', orders));
  }
}

@Module({
  imports: [
    ClientsModule.register([
      { name: 'ORDERS', transport: Transport.REDIS, options: connection },
    ]),
  ],
  controllers: [OrderController],
  providers: [Checkout, Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.createMicroservice<MicroserviceOptions>(
    AppModule,
    { transport: Transport.REDIS, options: connection },
  );
  await app.listen();
  return app;
}
