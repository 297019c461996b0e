import { createServer, type AddressInfo } from 'node:net';
import { Controller, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import { AlreadyRunningError } from '../../lib/core/errors/running.errors.js';
import {
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gate } from '../support/engine.js';
import { appModule, startApp } from '../support/nest-app.js';
import { quiet, work } from '../support/passing-time.js';
import { until } from '../support/until.js';

/** A port that counts who connects to it, and says nothing. */
async function listening() {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on('error', () => undefined);
    onTestFinished(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return { port, connections: () => connections };
}

/** What connects does so within some turns of the event loop, not at once. */
const A_MOMENT = 200;

describe('an application that cannot be made', () => {
  it.each([
    ['one server', (port: number) => ({ host: '127.0.0.1', port })],
    ['sentinels', (port: number) => ({ sentinels: [{ host: '127.0.0.1', port }], name: 'm' })],
    ['a cluster', (port: number) => ({ cluster: [{ host: '127.0.0.1', port }] })],
  ])('has opened no connection, to %s', async (_, placeOf) => {
    const { port, connections } = await listening();
    const made: unknown[] = [];
    // Made after what the module provides, as any service that publishes.
    const broken = {
      provide: 'broken',
      inject: [StreamPublisher, RedisStreamsClient],
      useFactory: (...given: unknown[]) => {
        made.push(...given);
        throw new Error('no licence');
      },
    };
    const imports = [RedisStreamsModule.forRoot(placeOf(port))];
    const building = Test.createTestingModule({ imports, providers: [broken] }).compile();
    await expect(building).rejects.toThrow('no licence');
    expect(made).toHaveLength(2);
    await quiet(A_MOMENT);
    expect(connections()).toBe(0);
  });
});

it('a client and a transport that are only made open no connection', async () => {
  const { port, connections } = await listening();
  const client = new RedisStreamsClient({ host: '127.0.0.1', port });
  const transport = new RedisStreamsTransport({ host: '127.0.0.1', port, group: 'g' });
  await quiet(A_MOMENT);
  expect(connections()).toBe(0);
  await client.close();
  await transport.close();
});

it('a module connects when its application starts, before anything is published', async () => {
  const { port, connections } = await listening();
  const imports = [RedisStreamsModule.forRoot({ host: '127.0.0.1', port })];
  const module = await Test.createTestingModule({ imports }).compile();
  expect(connections()).toBe(0);
  await module.init();
  await until('a connection', () => connections() > 0);
  await module.close();
});

it('a second startAllMicroservices() fails, and leaves the running transport as it is', async () => {
  const kit = new StreamsTestKit();
  @Controller()
  class Orders {
    @StreamHandler('order')
    order(): void {}
  }
  const streams = StreamsModule.forRoot({ slots: kit.slots, group: 'test' });
  const root: Type = appModule({ imports: [streams], controllers: [Orders] });
  const app = await NestFactory.create(root, { logger: false });
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  await app.startAllMicroservices();
  await expect(app.startAllMicroservices()).rejects.toThrow(AlreadyRunningError);
  await kit.publish('order', {});
  await kit.idle();
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled']);
});

it('a transport of its own, too, goes on after a second listen', async () => {
  const kit = new StreamsTestKit();
  const transport = new StreamsTransport({ slots: kit.slots, group: 'test' });
  onTestFinished(() => transport.close());
  transport.addHandler('order', async () => undefined, true);
  const listen = () => new Promise<unknown>((resolve) => transport.listen(resolve));
  expect(await listen()).toBeUndefined();
  expect(await listen()).toBeInstanceOf(AlreadyRunningError);
  await kit.publish('order', {});
  await kit.idle();
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled']);
});

describe('with the test kit', () => {
  it('an application whose handler hangs can be closed while the clock stands still', async () => {
    const { promise } = gate();
    const told: string[] = [];
    @Controller()
    class Orders {
      @StreamHandler('order')
      async order(): Promise<void> {
        told.push('runs');
        await promise;
      }
    }
    const { app, kit } = await startApp({ controllers: [Orders] });
    await kit.publish('order', {});
    await until('the handler runs', () => told.length === 1);
    await app.close();
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['released']);
  });

  it('a handler that takes a moment of real time is awaited', async () => {
    let running = false;
    @Controller()
    class Orders {
      @StreamHandler('order')
      async order(): Promise<void> {
        running = true;
        await work(50);
      }
    }
    const { app, kit } = await startApp({ controllers: [Orders] });
    await kit.publish('order', {});
    await until('the handler runs', () => running);
    await app.close();
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled']);
  });
});
