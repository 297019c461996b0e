import { inspect } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { describe, expect, it, onTestFinished } from 'vitest';
import { nats, type NatsOptions } from 'nestjs-redis-streams/nats';
import { EventBus } from '../../lib/core/event-bus.js';
import {
  credsLogin,
  nkeyLogin,
  passwordLogin,
  tokenLogin,
  type NatsLogin,
} from '../support/nats-auth.js';
import { startNats } from '../support/nats-server.js';
import { needsNats } from '../support/nats.js';
import { secret, secretInUrl } from '../support/secrets.js';
import { secretsIn } from '../support/secret-watch.js';
import { secretsWithin } from '../support/secrets-within.js';

const nkey = nkeyLogin();
const creds = credsLogin();

describe('secrets of NATS', needsNats(), () => {
  it.each<[string, NatsLogin, (url: string) => NatsOptions | Promise<NatsOptions>]>([
    ['a password', passwordLogin(), (url) => ({ url, user: 'orders', password: secret('user') })],
    [
      'a url',
      passwordLogin(),
      (url) => ({ url: url.replace('//', `//orders:${secretInUrl('user')}@`) }),
    ],
    ['a token', tokenLogin(), (url) => ({ servers: [url], token: secret('server') })],
    ['a seed', nkey, (url) => ({ url, nkey: nkey.seed })],
    ['credentials', creds, (url) => ({ url, credentials: creds.creds })],
    [
      'a connection of the application',
      passwordLogin(),
      async (servers) => {
        const own = await connect({ servers, user: 'orders', pass: secret('user') });
        onTestFinished(() => own.close());
        return { connection: own };
      },
    ],
  ])('are in nothing that the driver shows: %s', async (_, login, optionsFor) => {
    const server = await startNats(login.server);
    onTestFinished(() => server.stop());
    const events = new EventBus();
    const told: unknown[] = [];
    for (const event of ['connected', 'disconnected', 'unreachable', 'warning'] as const) {
      events.on(event, (given) => told.push(given));
    }
    const factory = nats(await optionsFor(server.url()));
    const driver = factory.open({ events, keyPrefix: 'shop:' });
    onTestFinished(() => driver.source.close());
    await driver.state!.set('key', 'value');
    const subscription = await driver.source.subscribe({
      ...{ streams: ['orders'], group: 'g', consumer: 'c', startId: '0' },
      ...{ blockTimeout: 100, idleTimeout: 5000, reclaimInterval: 1000 },
    });
    await subscription.pull(1);
    const all = [factory, driver, subscription, told, driver.unwrap!()];
    expect(secretsWithin(all, { described: true, getters: true })).toEqual([]);
    for (const one of all) {
      const texts = [inspect(one, { depth: 12, showHidden: true }), String(one)];
      expect(texts.flatMap((text) => secretsIn(text))).toEqual([]);
    }
    await subscription.close();
  });
});
