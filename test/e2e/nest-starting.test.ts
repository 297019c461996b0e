import { createServer, type AddressInfo } from 'node:net';
import { Controller, Injectable, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  HandlerConflictError,
  RedisStreamsClient,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamHandler,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { describe, expect, it, onTestFinished } from 'vitest';
import { gate } from '../support/engine.js';
import { appModule, startApp } from '../support/nest-app.js';
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

/** Two turns through the kernel: what was connected to before has been accepted by then. */
async function aRoundTrip(port: number): Promise<void> {
  const { connect } = await import('node:net');
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.destroy();
}

describe('an application that cannot be made', () => {
  it.each([
    ['one server', (port: number) => ({ host: '127.0.0.1', port })],
    ['sentinels', (port: number) => ({ sentinels: [{ host: '127.0.0.1', port }], name: 'm' })],
    ['a cluster', (port: number) => ({ cluster: [{ host: '127.0.0.1', port }] })],
  ])('has opened no connection, to %s', async (_, placeOf) => {
    const { port, connections } = await listening();
    @Injectable()
    class Broken {
      constructor() {
        throw new Error('no licence');
      }
    }
    const options = { ...placeOf(port), masterName: 'm' };
    const { masterName: __, ...plain } = options;
    const imports = [
      RedisStreamsModule.forRoot('sentinels' in options ? { ...plain, name: 'm' } : plain),
    ];
    const building = Test.createTestingModule({ imports, providers: [Broken] }).compile();
    await expect(building).rejects.toThrow('no licence');
    await aRoundTrip(port);
    expect(connections()).toBe(1);
  });
});

it('a client and a transport that are only made open no connection', async () => {
  const { port, connections } = await listening();
  const client = new RedisStreamsClient({ host: '127.0.0.1', port });
  const transport = new RedisStreamsTransport({ host: '127.0.0.1', port, group: 'g' });
  await aRoundTrip(port);
  expect(connections()).toBe(1);
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
  const streams = StreamsModule.forRoot({ source: kit.source, group: 'test' });
  const root: Type = appModule({ imports: [streams], controllers: [Orders] });
  const app = await NestFactory.create(root, { logger: false });
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  await app.startAllMicroservices();
  await expect(app.startAllMicroservices()).rejects.toThrow(HandlerConflictError);
  await kit.publish('order', {});
  await kit.idle();
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled']);
});

it('a transport of its own, too, goes on after a second listen', async () => {
  const kit = new StreamsTestKit();
  const transport = new StreamsTransport({ source: kit.source, group: 'test' });
  onTestFinished(() => transport.close());
  transport.addHandler('order', async () => undefined, true);
  const listen = () => new Promise<unknown>((resolve) => transport.listen(resolve));
  expect(await listen()).toBeUndefined();
  expect(await listen()).toBeInstanceOf(HandlerConflictError);
  await kit.publish('order', {});
  await kit.idle();
  expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled']);
});

describe('with the test kit', () => {
  it('an application whose handler hangs can be closed, though nobody moves the clock', async () => {
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
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    const { app, kit } = await startApp({ controllers: [Orders] });
    await kit.publish('order', {});
    await until('the handler runs', () => running);
    await app.close();
    expect(kit.settled.map(({ outcome }) => outcome)).toEqual(['handled']);
  });
});
