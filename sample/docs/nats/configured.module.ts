import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { loadConfig } from 'nestjs-redis-streams/config';
import { OrderController } from './order.controller.js';

@Module({
  imports: [StreamsModule.forRoot(loadConfig('consumer-config.yaml', 'shop'))],
  controllers: [OrderController],
})
export class AppModule {}
