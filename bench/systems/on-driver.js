// @ts-check
/** A Nest application with this library and one of its drivers. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { StreamsModule, StreamsTransport } from 'nestjs-redis-streams';
import { controllerOf, publishingTo } from './ours.js';

/** @typedef {import('nestjs-redis-streams').StreamsModuleOptions} StreamsModuleOptions */
/** @typedef {(options: { url: string }) => StreamsModuleOptions['slots']['messageSource']} MakeDriver */

/** @param {MakeDriver} driver @returns {NonNullable<import('../types.js').System['consume']>} */
export function consumerOn(driver) {
  return async (options, handle) => {
    const { url, concurrency, retryDelay } = options;
    const backoff = /** @type {const} */ ({ type: 'fixed', delay: retryDelay, jitter: 0 });
    const controllers = [controllerOf(options, handle)];
    const app = await start(driver({ url }), { concurrency, backoff }, controllers);
    return () => app.close();
  };
}

/** @param {MakeDriver} driver @returns {NonNullable<import('../types.js').System['publisher']>} */
export function publisherOn(driver) {
  return async ({ url, stream }) => publishingTo(await start(driver({ url }), {}, []), stream);
}

/**
 * @param {StreamsModuleOptions['slots']['messageSource']} messageSource
 * @param {Omit<StreamsModuleOptions, 'slots'>} options
 * @param {import('@nestjs/common').Type[]} controllers
 */
async function start(messageSource, options, controllers) {
  class AppModule {}
  const streams = StreamsModule.forRoot({ ...options, slots: { messageSource } });
  Module({ controllers, imports: [streams] })(AppModule);
  const app = await NestFactory.createMicroservice(AppModule, {
    inject: [StreamsTransport],
    useFactory: (/** @type {StreamsTransport} */ strategy) => ({ strategy }),
    logger: false,
  });
  await app.listen();
  return app;
}
