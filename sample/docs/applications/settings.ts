import { Injectable, Module } from '@nestjs/common';

@Injectable()
export class Settings {
  readonly redisUrl = process.env.REDIS_URL ?? 'redis://localhost:6379';
}

@Module({ providers: [Settings], exports: [Settings] })
export class SettingsModule {}
