import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { AppController } from './app.controller.js';
import { AppService } from './app.service.js';
import { OrderController } from './order.controller.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'shop', // the name of your service
    }),
  ],
  controllers: [AppController, OrderController],
  providers: [AppService],
})
export class AppModule {}
