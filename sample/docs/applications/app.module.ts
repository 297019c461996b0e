import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { OrderController } from './order.controller.js';
import { Settings, SettingsModule } from './settings.js';

@Module({
  imports: [
    RedisStreamsModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: (settings: Settings) => ({
        url: settings.redisUrl,
        group: 'shop',
      }),
    }),
  ],
  controllers: [OrderController],
})
export class AppModule {}
