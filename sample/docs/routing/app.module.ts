import { Module } from '@nestjs/common';
import { RedisStreamsModule } from 'nestjs-redis-streams';
import { Archive } from './archive.js';
import { TriageController } from './triage.controller.js';

@Module({
  imports: [
    RedisStreamsModule.forRoot({
      url: process.env.REDIS_URL,
      group: 'triage',
      routes: [{ events: ['issues.*', 'pull_request.*'], stream: 'github' }],
    }),
  ],
  controllers: [TriageController],
  providers: [Archive],
})
export class AppModule {}
