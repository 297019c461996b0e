import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { DeadOrders } from './dead-orders.service.js';

@Module({
  imports: [RedisStreamsModule.forRoot({ url: process.env.REDIS_URL })],
  providers: [DeadOrders],
})
class RedriveModule {}

const app = await NestFactory.createApplicationContext(RedriveModule);
console.log(`redriven: ${await app.get(DeadOrders).redriveBroken()}`);
await app.close();
