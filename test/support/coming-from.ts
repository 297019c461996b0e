import 'reflect-metadata';
import { Logger, type INestApplicationContext, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { onTestFinished, vi } from 'vitest';
import { Warehouse } from '../../sample/docs/coming-from/warehouse.js';
import { startRedis } from './redis-server.js';

export const orderOf = (orderId: string, total = 100) => ({ orderId, customerId: 'c-1', total });

/**
 * A server for one test file, whose programs find it by REDIS_URL, REDIS_HOST and REDIS_PORT. They
 * read these when they are imported: import them after this.
 */
export async function redisOfPrograms() {
  Logger.overrideLogger(false);
  const server = await startRedis();
  process.env['REDIS_URL'] = server.url;
  process.env['REDIS_HOST'] = '127.0.0.1';
  process.env['REDIS_PORT'] = String(server.port);
  const client = new Redis(server.url);
  client.on('error', () => undefined);
  return {
    client,
    /** Messages that the group has not settled yet: not read, or pending. */
    async unsettled(stream: string, group: string): Promise<number> {
      const groups = (await client.xinfo('GROUPS', stream)) as unknown[][];
      const found = groups.find((fields) => fields[fields.indexOf('name') + 1] === group) ?? [];
      const valueOf = (name: string) => Number(found[found.indexOf(name) + 1]);
      return valueOf('pending') + valueOf('lag');
    },
    async stop() {
      client.disconnect();
      await server.stop();
    },
  };
}

/** Of all programs: one may handle what waits before it is known here. */
const reserve = vi.spyOn(Warehouse.prototype, 'reserve');
const failing = new Set<Warehouse>();
reserve.mockImplementation(async function (this: Warehouse) {
  if (failing.delete(this)) throw new Error('no answer');
});

/** Starts a program, and closes it when the test has finished. */
export async function started(bootstrap: () => Promise<INestApplicationContext>) {
  const app = await bootstrap();
  let closing: Promise<void> | undefined;
  const close = () => (closing ??= app.close());
  onTestFinished(close);
  return { close, ...watched(app) };
}

/** Makes runs of a program fail, and tells what it has run. */
export function watched(app: INestApplicationContext) {
  const warehouse = app.get(Warehouse);
  return {
    app,
    /** Its next run for an order fails. */
    failOnce: () => void failing.add(warehouse),
    /** The ids of the orders that it has reserved, in the order of the calls. */
    reserved: () =>
      reserve.mock.calls.flatMap(([id], at) => (reserve.mock.contexts[at] === warehouse ? id : [])),
  };
}

/** A process that publishes, and handles nothing. */
export const publisherOf = (module: Type) =>
  started(() => NestFactory.createApplicationContext(module));
