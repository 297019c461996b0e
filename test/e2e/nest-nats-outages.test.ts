import { Controller } from '@nestjs/common';
import {
  StreamHandler,
  StreamPublisher,
  StreamsModule,
  StreamsTransport,
} from 'nestjs-redis-streams/core';
import { nats, type NatsOptions } from 'nestjs-redis-streams/nats';
import { describe, expect, it, onTestFinished } from 'vitest';
import { passwordLogin } from '../support/nats-auth.js';
import { startNats, type NatsServer, type StartNatsOptions } from '../support/nats-server.js';
import { needsNats } from '../support/nats.js';
import { appModule, createApp } from '../support/nest-app.js';
import { secret } from '../support/secrets.js';
import { until } from '../support/until.js';

const handled: string[] = [];

@Controller()
class Orders {
  @StreamHandler('order.placed')
  handle(order: { id: string }): void {
    handled.push(order.id);
  }
}

async function started(options: StartNatsOptions = {}): Promise<NatsServer> {
  const server = await startNats(options);
  onTestFinished(() => server.stop());
  return server;
}

/** An application that is not started yet. */
async function application(options: NatsOptions) {
  handled.length = 0;
  const driver = nats(options);
  const slots = { messageSource: driver, stateStore: driver, deadLetterQueue: driver };
  const streams = StreamsModule.forRoot({ slots, group: 'shop', blockTimeout: 200 });
  const app = await createApp(appModule({ imports: [streams], controllers: [Orders] }));
  onTestFinished(() => app.close());
  const transport = app.get(StreamsTransport);
  const errors: Error[] = [];
  transport.on('worker-error', ({ error }) => errors.push(error));
  transport.on('unreachable', ({ error }) => errors.push(error));
  return { app, errors, publisher: app.get(StreamPublisher) };
}

describe('an application on NATS', needsNats(), () => {
  it('handles on after its server was killed and has started again', async () => {
    const server = await started();
    const { app, publisher } = await application({ url: server.url() });
    await app.listen();
    await publisher.publish('order.placed', { id: 'before' });
    await until('the first is handled', () => handled.includes('before'));
    await server.kill();
    const outcome = publisher.publish('order.placed', { id: 'after' }).then(
      () => 'published' as const,
      (error: unknown) => error,
    );
    await server.start();
    if ((await outcome) !== 'published') await publisher.publish('order.placed', { id: 'after' });
    await until('the second is handled', () => handled.includes('after'));
  });

  it('is told where its connection is given up for good, by its consumers and its calls', async () => {
    const server = await started();
    const options = { url: server.url(), maxReconnects: 1 };
    const { app, publisher, errors } = await application(options);
    await app.listen();
    await publisher.publish('order.placed', { id: 'before' });
    await until('it is handled', () => handled.length > 0);
    await server.kill();
    const code = 'NATS_GIVEN_UP';
    await until(
      'the consumers say so',
      () => errors.filter((e) => 'code' in e && e.code === code).length > 1,
    );
    await expect(publisher.publish('order.placed', { id: 'x' })).rejects.toMatchObject({ code });
  });

  it('does not start with a wrong password, and says so at once', async () => {
    const server = await started(passwordLogin().server);
    const login = { user: 'orders', password: secret('wrong'), connectTimeout: 100_000 };
    const { app } = await application({ url: server.url(), ...login });
    await expect(app.listen()).rejects.toMatchObject({
      code: 'NATS_CONNECTION',
      message: expect.stringMatching(/correct user and password/),
    });
  });

  it('does not start on a server without JetStream, and says so at once', async () => {
    const server = await started({ config: { jetstream: false } });
    const { app } = await application({ url: server.url(), connectTimeout: 100_000 });
    await expect(app.listen()).rejects.toMatchObject({ code: 'JETSTREAM_MISSING' });
  });
});
