// @ts-check
/** Nest's own Redis transport. It is publish and subscribe: a message without a listener is gone. */
import 'reflect-metadata';
import { Controller, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  ClientProxyFactory,
  EventPattern,
  MessagePattern,
  Payload,
  Transport,
} from '@nestjs/microservices';
import { lastValueFrom } from 'rxjs';

Logger.overrideLogger(false);

/** @type {NonNullable<import('../types.js').System['consume']>} */
export async function consume({ url, streams }, handle) {
  return listen(url, EventPattern(streams[0]), (payload) => handle(payload, 0));
}

/** @type {NonNullable<import('../types.js').System['serve']>} */
export async function serve({ url, pattern }) {
  return listen(url, MessagePattern(pattern), (payload) => payload);
}

/**
 * @param {string} url
 * @param {MethodDecorator} pattern
 * @param {(payload: import('../types.js').Payload) => unknown} handle
 */
async function listen(url, pattern, handle) {
  class BenchController {
    /** @param {import('../types.js').Payload} payload */
    process(payload) {
      return handle(payload);
    }
  }
  const method = Object.getOwnPropertyDescriptor(BenchController.prototype, 'process') ?? {};
  pattern(BenchController.prototype, 'process', method);
  Payload()(BenchController.prototype, 'process', 0);
  Controller()(BenchController);

  class AppModule {}
  Module({ controllers: [BenchController] })(AppModule);

  const app = await NestFactory.createMicroservice(AppModule, {
    transport: Transport.REDIS,
    options: placeOf(url),
  });
  await app.listen();
  return () => app.close();
}

/** @type {NonNullable<import('../types.js').System['publisher']>} */
export async function publisher({ url, stream }) {
  const client = ClientProxyFactory.create({ transport: Transport.REDIS, options: placeOf(url) });
  await client.connect();
  return {
    publish: (payload) => lastValueFrom(client.emit(stream, payload), { defaultValue: undefined }),
    close: async () => client.close(),
  };
}

/** @type {NonNullable<import('../types.js').System['requester']>} */
export async function requester({ url, pattern }) {
  const client = ClientProxyFactory.create({ transport: Transport.REDIS, options: placeOf(url) });
  await client.connect();
  return {
    publish: (payload) => lastValueFrom(client.send(pattern, payload)),
    close: async () => client.close(),
  };
}

/** @param {string} url */
function placeOf(url) {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
