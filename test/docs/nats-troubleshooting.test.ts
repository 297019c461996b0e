import { jetstreamManager } from '@nats-io/jetstream';
import { Controller, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  ConsumerGroupManager,
  DeadLetters,
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
  type StreamsModuleOptions,
} from 'nestjs-redis-streams';
import { nats, NatsServerTooOldError, type NatsOptions } from 'nestjs-redis-streams/nats';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { inAllSlots } from '../support/in-all-slots.js';
import { quoted, RecordedLog, shown } from '../support/log-lines.js';
import { startNats, type StartNatsOptions } from '../support/nats-server.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { tlsLogin } from '../support/nats-auth.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';

const STREAM = 'order.placed';
const ORDER = { orderId: 'o-1', customerId: 'c-1', total: 100 };
/** No server listens there. */
const CLOSED = 'nats://127.0.0.1:1';

const log = new RecordedLog();

interface Given extends NatsOptions {
  readonly options?: Partial<StreamsModuleOptions>;
  readonly pack?: () => Promise<void> | void;
}

/** The service of the page, before it is started. */
async function made({ options, pack = () => undefined, ...given }: Given) {
  @Controller()
  class OrderController {
    @StreamHandler(STREAM)
    pack(): Promise<void> | void {
      return pack();
    }
  }
  const driver = nats(given);
  const slots = given.mode === 'core' ? { messageSource: driver } : inAllSlots(driver);
  const streams = StreamsModule.forRoot({
    ...{ group: 'shop', slots, reclaimInterval: 100 },
    ...options,
  });
  @Module({ imports: [streams], controllers: [OrderController] })
  class AppModule {}
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(AppModule, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
    logger: false,
    abortOnError: false,
  });
  log.record();
  onTestFinished(() => app.close());
  return app;
}

async function started(given: Given) {
  const app = await made(given);
  await app.listen();
  return app;
}

const refused = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: Error) => shown(error),
  );

/** Without what the driver was about to do: its first request may be another one. */
const wherever = (text: string): string => text.replace(/(?<= while )[\w ]+(?=:| \()/, '…');

/** A server of its own for one test. */
async function own(options?: StartNatsOptions) {
  const server = await startNats(options);
  onTestFinished(() => server.stop());
  return server;
}

describe('lines that docs/nats.md quotes', needsNats(), () => {
  let server: TestNats;
  const manager = () => jetstreamManager(server.client);
  beforeAll(async () => void (server = await testNats()));
  afterAll(() => server.cleanup());
  beforeEach(async () => {
    log.clear();
    const { streams } = await manager();
    for await (const { config } of streams.list()) await streams.delete(config.name);
  });

  /** The error of publishing. */
  const publishing = async (given: Given = {}, times = 1): Promise<string> => {
    const publisher = (await made({ url: server.url, ...given })).get(StreamPublisher);
    for (let time = 1; time < times; time++) await publisher.publish(STREAM, ORDER);
    return refused(publisher.publish(STREAM, ORDER));
  };

  it('a server that is not there', async () => {
    expect(wherever(await refused(started({ url: CLOSED, connectTimeout: 1500 })))).toBe(
      wherever(quoted('nats-no-start')),
    );
  });

  it('a wrong password', async () => {
    const users = [{ user: 'shop', password: secret('user') }];
    const other = await own({ config: { authorization: { users } } });
    const login = { url: other.url(), user: 'shop', password: secret('wrong') };
    expect(wherever(await refused(started(login)))).toBe(wherever(quoted('nats-wrong-password')));
  });

  it('a certificate that this process does not trust', async () => {
    const other = await own(tlsLogin().server);
    const url = `tls://localhost:${other.port}`;
    expect(wherever(await refused(started({ url })))).toBe(
      wherever(quoted('nats-wrong-certificate')),
    );
  });

  it('a server without JetStream', async () => {
    const other = await own({ config: { jetstream: false } });
    expect(await refused(started({ url: other.url() }))).toBe(quoted('nats-no-jetstream'));
  });

  it('a server that is too old', () => {
    expect(shown(new NatsServerTooOldError('2.9.10'))).toBe(quoted('nats-too-old'));
  });

  it('copies on a server that is alone', async () => {
    expect(await publishing({ streams: { replicas: 3 } })).toBe(quoted('nats-no-replicas'));
  });

  it('settings that a server cannot change', async () => {
    await publishing();
    expect(await publishing({ streams: { storage: 'memory' } })).toBe(quoted('nats-settings'));
  });

  it('features that JetStream lacks', async () => {
    const app = await started({ url: server.url });
    const listed = app.get(ConsumerGroupManager).listConsumers(STREAM, 'shop');
    expect(await refused(listed)).toBe(quoted('nats-unsupported'));
  });

  it('consumers that do not know of each other', async () => {
    await started({ url: server.url });
    await log.says('nats-no-live-consumers');
  });

  it('a stream that another program has made', async () => {
    const { streams } = await manager();
    await streams.add({ name: 'EVENTS', subjects: ['order.>'] });
    await started({ url: server.url });
    await log.says('nats-foreign-stream');
  });

  it('a stream that takes no more', async () => {
    expect(await publishing({ streams: { maxMessages: 1 } }, 2)).toBe(quoted('nats-full'));
  });

  it('a message that is too large for the server', async () => {
    const other = await own({ config: { max_payload: 1000 } });
    const publisher = (await made({ url: other.url() })).get(StreamPublisher);
    const text = 'x'.repeat(2000);
    expect(await refused(publisher.publish(STREAM, text))).toBe(quoted('nats-too-large'));
  });

  it('a delay on an old server', async () => {
    const publisher = (await made({ url: server.url })).get(StreamPublisher);
    const delayed = publisher.publish(STREAM, ORDER, { delay: 1000 });
    expect(await refused(delayed)).toBe(quoted('nats-delays-unsupported'));
  });

  it('a subject that the user may not use', async () => {
    const permissions = { publish: ['$JS.API.>'], subscribe: ['_INBOX.>'] };
    const users = [{ user: 'shop', password: secret('user'), permissions }];
    const other = await own({ config: { authorization: { users } } });
    const login = { url: other.url(), user: 'shop', password: secret('user') };
    const publisher = (await made(login)).get(StreamPublisher);
    expect(await refused(publisher.publish(STREAM, ORDER))).toBe(quoted('nats-denied'));
  });

  it('a group that is moved over what it has in hand', async () => {
    let finish = (): void => undefined;
    const running = new Promise<void>((resolve) => (finish = resolve));
    let begun = false;
    const pack = (): Promise<void> => {
      begun = true;
      return running;
    };
    const app = await started({ url: server.url, pack });
    await app.get(StreamPublisher).publish(STREAM, ORDER);
    await until('it runs', () => begun);
    const moved = app.get(ConsumerGroupManager).setPosition(STREAM, 'shop', '$');
    expect(await refused(moved)).toBe(quoted('nats-has-pending'));
    finish();
  });

  it('a durable consumer that an operator deleted', async () => {
    const app = await started({ url: server.url });
    const { consumers, streams } = await manager();
    await app.get(StreamPublisher).publish(STREAM, ORDER);
    const record = { last_by_subj: '$KV.streams-groups.order=2Eplaced.shop' };
    const noted = () => streams.getMessage('KV_streams-groups', record);
    await until('it is noted', async () => {
      const kept = (await noted())?.string() ?? '';
      return kept.includes('settledUpTo');
    });
    await consumers.delete('order_placed', 'shop');
    await log.says('nats-group-recreated');
  });

  it('a stream that an operator deleted', async () => {
    const app = await started({ url: server.url });
    await app.get(StreamPublisher).publish(STREAM, ORDER);
    const later = Date.now() + 100;
    await until('the next stream is made at another time', () => Date.now() > later);
    const { streams } = await manager();
    await streams.delete('order_placed');
    await log.says('nats-data-lost');
  });

  it('a bucket that an operator deleted', async () => {
    let runs = 0;
    const pack = (): void => {
      runs++;
      throw new Error('always');
    };
    const options = { backoff: { type: 'fixed', delay: 50 } } as const;
    const app = await started({ url: server.url, pack, options });
    await app.get(StreamPublisher).publish(STREAM, ORDER);
    await until('it runs again', () => runs === 2);
    const { streams } = await manager();
    await streams.delete('KV_streams-runs');
    await log.says('nats-made-again');
  });

  it('a dead letter that is none', async () => {
    const pack = (): void => {
      throw new Error('always');
    };
    const app = await started({ url: server.url, pack, options: { maxDeliveries: 1 } });
    await app.get(StreamPublisher).publish(STREAM, ORDER);
    const letters = app.get(DeadLetters);
    await until('it is given up', async () => (await letters.list(STREAM)).items.length === 1);
    server.client.publish('_streams.=.dead.order=2Eplaced.shop', 'no letter');
    await server.client.flush();
    expect((await letters.list(STREAM)).items).toHaveLength(1);
    await log.says('nats-letter-unreadable');
  });

  it('a server that goes and comes back', async () => {
    const other = await own();
    await started({ url: other.url() });
    await other.kill();
    await log.says('nats-broken');
    await other.start();
    await log.says('nats-works-again');
  });

  it('a server that does not come back', async () => {
    const other = await own();
    await started({ url: other.url(), maxReconnects: 1 });
    await other.kill();
    await log.says('nats-given-up');
    await other.start();
  });

  it('a server that is about to shut down', async () => {
    const other = await own();
    await started({ url: other.url() });
    await other.lameDuck();
    await log.says('nats-lame-duck');
  });

  it('more messages than the handlers take, on core NATS', async () => {
    let finish = (): void => undefined;
    const running = new Promise<void>((resolve) => (finish = resolve));
    const app = await started({
      ...{ url: server.url, mode: 'core', maxBufferedMessages: 1, pack: () => running },
      options: { concurrency: 1 },
    });
    for (let at = 0; at < 50; at++) server.client.publish(STREAM, '{}');
    await log.says('nats-messages-lost');
    finish();
    await app.close();
  });

  it('core NATS', async () => {
    await started({ url: server.url, mode: 'core' });
    await log.says('nats-at-most-once');
  });
});

describe('lines that docs/nats.md quotes of newer servers', needsNats('current'), () => {
  it('a stream of another program that has subjects of delayed messages', async () => {
    const server = await testNats({ version: 'current' });
    onTestFinished(() => server.cleanup());
    const { streams } = await jetstreamManager(server.client);
    await streams.add({ name: 'AUDIT', subjects: ['_streams.>'] });
    const publisher = (await made({ url: server.url })).get(StreamPublisher);
    const published = publisher.publish(STREAM, ORDER);
    expect(await refused(published)).toBe(quoted('nats-subject-taken'));
  });
});
