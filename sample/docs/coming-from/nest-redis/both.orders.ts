import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { type MicroserviceOptions, Transport } from '@nestjs/microservices';
import {
  RedisStreamsModule,
  RedisStreamsTransport,
} from 'nestjs-redis-streams';
import { Warehouse } from '../warehouse.js';
import { connection, OrderController } from './before.orders.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'order-service',
    }),
  ],
  controllers: [OrderController], // with @EventPattern, unchanged
  providers: [Warehouse],
})
export class AppModule {}

export async function bootstrap() {
  const app = await NestFactory.create(AppModule);
  app.connectMicroservice<MicroserviceOptions>(
    { transport: Transport.REDIS, options: connection },
    { inheritAppConfig: true },
  );
  app.connectMicroservice<MicroserviceOptions>(
    { strategy: app.get(RedisStreamsTransport) },
    { inheritAppConfig: true },
  );
  app.enableShutdownHooks();
  await app.startAllMicroservices();
  await app.init(); // or app.listen(), where it serves HTTP too
  return app;
}
