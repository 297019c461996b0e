import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { MailController } from './mail.controller.js';
import { StreamSizes } from './stream-sizes.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL ?? 'redis://localhost:6379',
      group: 'mail',
      retention: [
        { streams: 'email.send', policy: 'deleteWhenSettled' },
        { streams: 'order.*', policy: { maxAge: 30 * 24 * 3_600_000 } },
        { streams: '*', policy: { maxLength: 1_000_000 } },
      ],
    }),
  ],
  controllers: [MailController],
  providers: [StreamSizes],
})
export class AppModule {}
