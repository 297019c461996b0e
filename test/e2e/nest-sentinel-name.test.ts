import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getStreamsToken, RedisStreamsModule, RedisStreamsTransport } from 'nestjs-redis-streams';
import { expect, it } from 'vitest';

const sentinels = [{ host: '127.0.0.1', port: 1 }];

it.each([
  ['forRoot', RedisStreamsModule.forRoot({ sentinels, name: 'the-master', group: 'g' }), 'default'],
  [
    'forRootAsync',
    RedisStreamsModule.forRootAsync({ useFactory: () => ({ sentinels, name: 'the-master' }) }),
    'default',
  ],
  [
    'forRoot with a name of its own',
    RedisStreamsModule.forRoot({ sentinels, name: 'audit', masterName: 'the-master' }),
    'audit',
  ],
])('beside sentinels the name is that of the master: %s', async (_, module, name) => {
  @Module({ imports: [module] })
  class AppModule {}

  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  expect(app.get(getStreamsToken(name, RedisStreamsTransport))).toBeInstanceOf(
    RedisStreamsTransport,
  );
  await app.close();
});

it('a master without a name is a problem at the start of the application', async () => {
  @Module({ imports: [RedisStreamsModule.forRoot({ sentinels })] })
  class AppModule {}

  const options = { logger: false, abortOnError: false } as const;
  await expect(NestFactory.createApplicationContext(AppModule, options)).rejects.toThrow(
    /name must be what the sentinels call the master/,
  );
});
