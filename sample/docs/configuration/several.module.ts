import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams';
import { loadConfig } from 'nestjs-redis-streams/config';
import { ShopController } from './shop.controller.js';

@Module({
  imports: ['order-processor', 'payment-processor'].map((name) =>
    StreamsModule.forRoot(loadConfig('consumers.yaml', name)),
  ),
  controllers: [ShopController],
})
export class SeveralModule {}
