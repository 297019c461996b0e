// @ts-check
/** A Nest application with this library, as its README shows it. */
import 'reflect-metadata';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Payload } from '@nestjs/microservices';
import {
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
} from 'nestjs-redis-streams';
import { lastValueFrom } from 'rxjs';
import { EVENT } from '../payload.js';

Logger.overrideLogger(false);

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume(options, handle) {
  const app = await consuming(options, handle);
  return () => app.close();
}

/**
 * @param {import('../types.js').ConsumeOptions} options
 * @param {import('../types.js').Handle} handle
 * @param {import('nestjs-redis-streams').RedisStreamsModuleOptions} [more]
 * @param {import('nestjs-redis-streams').StreamHandlerOptions} [own] of its handlers
 */
export async function consuming(options, handle, more, own) {
  const { url, concurrency, retryDelay } = options;
  const backoff = /** @type {const} */ ({ type: 'fixed', delay: retryDelay, jitter: 0 });
  return start({ url, concurrency, backoff, ...more }, [controllerOf(options, handle, own)]);
}

/**
 * A controller with one handler for each group.
 *
 * @param {import('../types.js').ConsumeOptions} options
 * @param {import('../types.js').Handle} handle
 * @param {import('nestjs-redis-streams').StreamHandlerOptions} [own] of its handlers
 * @returns {import('@nestjs/common').Type}
 */
export function controllerOf({ streams, groups }, handle, own = {}) {
  class BenchController {}
  for (const [index, group] of groups.entries()) {
    const descriptor = { value: (/** @type {any} */ payload) => handle(payload, index) };
    // As @StreamHandler({ streams, … }) above `handle(@Payload() payload)` does.
    Payload()(BenchController.prototype, group, 0);
    const sources = { ...own, streams, events: EVENT, group };
    StreamHandler(sources)(BenchController.prototype, group, descriptor);
    Object.defineProperty(BenchController.prototype, group, descriptor);
  }
  Controller()(BenchController);
  return BenchController;
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const app = await start({ url }, []);
  return publishingTo(app, stream);
}

/** @param {import('@nestjs/common').INestMicroservice} app @param {string} stream @returns {import('../types.js').Publisher} */
export function publishingTo(app, stream) {
  const streamPublisher = app.get(StreamPublisher);
  return {
    publish: (payload) => streamPublisher.publish(EVENT, payload, { stream }),
    publishBatch: (payloads) =>
      streamPublisher.publishBatch(
        payloads.map((payload) => ({ eventType: EVENT, payload, stream })),
      ),
    close: () => app.close(),
  };
}

/** @type {NonNullable<import('../types.js').System['serve']>} */
export async function serve({ url, pattern }) {
  class AnswerController {
    /** @param {import('../types.js').Payload} payload */
    answer(payload) {
      return payload;
    }
  }
  const method = Object.getOwnPropertyDescriptor(AnswerController.prototype, 'answer') ?? {};
  MessagePattern(pattern)(AnswerController.prototype, 'answer', method);
  Payload()(AnswerController.prototype, 'answer', 0);
  Controller()(AnswerController);
  const app = await start({ url, group: 'bench' }, [AnswerController]);
  return () => app.close();
}

/** @type {NonNullable<import('../types.js').System['requester']>} */
export async function requester({ url, pattern }) {
  const app = await start({ url }, []);
  const client = app.get(RedisStreamsClient);
  return {
    publish: (payload) => lastValueFrom(client.send(pattern, payload)),
    close: () => app.close(),
  };
}

/**
 * @param {import('nestjs-redis-streams').RedisStreamsModuleOptions} options
 * @param {import('@nestjs/common').Type[]} controllers
 */
export async function start(options, controllers) {
  class AppModule {}
  Module({ controllers, imports: [RedisStreamsModule.forRoot(options)] })(AppModule);
  const app = await NestFactory.createMicroservice(AppModule, {
    inject: [RedisStreamsTransport],
    useFactory: (/** @type {RedisStreamsTransport} */ strategy) => ({ strategy }),
    logger: false,
  });
  await app.listen();
  return app;
}
