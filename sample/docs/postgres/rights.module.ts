import { Module } from '@nestjs/common';
import { StreamsModule } from 'nestjs-redis-streams/core';
import { postgres } from 'nestjs-redis-streams/postgres';

const driver = postgres({
  url: process.env.SHOP_URL,
  migrate: false,
});

@Module({
  imports: [
    StreamsModule.forRoot({
      group: 'shop',
      slots: { messageSource: driver, stateStore: driver },
    }),
  ],
})
export class AppModule {}
