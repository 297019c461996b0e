// @ts-check
/** A Nest application with this library and PostgreSQL. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { postgres } from 'nestjs-redis-streams/postgres';
import { controllerOf, publishingTo } from './ours.js';

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const { url, concurrency, retryDelay } = options;
  const backoff = /** @type {const} */ ({ type: 'fixed', delay: retryDelay, jitter: 0 });
  const app = await start(url, { concurrency, backoff }, [controllerOf(options, handle)]);
  return () => app.close();
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  return publishingTo(await start(url, {}, []), stream);
}

/**
 * @param {string} url
 * @param {Omit<import('nestjs-redis-streams').StreamsModuleOptions, 'slots'>} options
 * @param {import('@nestjs/common').Type[]} controllers
 */
export async function start(url, options, controllers) {
  class AppModule {}
  const streams = StreamsModule.forRoot({
    ...options,
    slots: { messageSource: postgres({ url }) },
  });
  Module({ controllers, imports: [streams] })(AppModule);
  const app = await NestFactory.createMicroservice(AppModule, {
    inject: [StreamsTransport],
    useFactory: (/** @type {StreamsTransport} */ strategy) => ({ strategy }),
    logger: false,
  });
  await app.listen();
  return app;
}
