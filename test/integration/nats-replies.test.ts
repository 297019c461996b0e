import { connect } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { ConnectionError } from '../../lib/core/errors/connection.errors.js';
import { PayloadTooLargeError } from '../../lib/core/errors/publishing.errors.js';
import { PermissionDeniedError } from '../../lib/core/errors/server.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Fields } from '../../lib/core/message.js';
import type { NatsOptions } from '../../lib/drivers/nats/connection/nats.options.js';
import { Names } from '../../lib/drivers/nats/names/names.js';
import { nats as natsDriver } from '../../lib/drivers/nats/nats.driver.js';
import type { Replies } from '../../lib/ports/replies.js';
import { publishBytes } from '../support/nats-bytes.js';
import { startNats } from '../support/nats-server.js';
import { needsNats, testNats, type TestNats, type TestNatsOptions } from '../support/nats.js';
import { until } from '../support/until.js';

const VERSIONS = ['floor', 'current'] as const;
const names = new Names('');

/** The port of a driver, closed after the test. */
function opened(options: NatsOptions): Replies {
  const driver = natsDriver(options).open({ events: new EventBus(), keyPrefix: '' });
  onTestFinished(() => driver.source.close());
  return driver.replies!;
}

/** A box whose client waits until it says otherwise. */
async function openBox(replies: Replies) {
  const client = { waiting: true, arrived: [] as Fields[], calls: 0, lost: [] as Error[] };
  const box = replies.open({
    onReplies: (some) => {
      client.calls++;
      client.arrived.push(...some);
    },
    onLost: (error) => client.lost.push(error),
    waiting: () => client.waiting,
  });
  onTestFinished(() => box.close());
  await box.ready();
  return Object.assign(client, { box, bodies: () => client.arrived.map(([, body]) => body) });
}

const reply = (to: string, body: string) => ({ to, fields: ['body', body] });

describe('answers over NATS', needsNats(...VERSIONS), () => {
  describe.each(VERSIONS)('on the %s version', (version) => {
    let nats: TestNats;
    beforeAll(async () => {
      nats = await testNats({ version });
    });
    afterAll(() => nats.cleanup());

    /** A server of its own, ended after the test. */
    async function started(options: TestNatsOptions = {}): Promise<TestNats> {
      const own = await testNats({ version, ...options });
      onTestFinished(() => own.cleanup());
      return own;
    }

    test('whose headers the client refuses hides no others', async () => {
      const replies = opened({ url: nats.url });
      const client = await openBox(replies);
      const { address } = client.box;
      await publishBytes(nats.server.port, names.replies(address), 'a: x\ny', 'odd');
      expect(await replies.send([reply(address, 'good')])).toEqual(['sent']);
      await until('both have arrived', () => client.arrived.length === 2);
      expect(client.bodies()).toEqual(['odd', 'good']);
    });

    test('of several calls without waiting keep their order, and are handed over together', async () => {
      const replies = opened({ url: nats.url });
      const client = await openBox(opened({ url: nats.url }));
      const bodies = Array.from({ length: 300 }, (_, index) => String(index));
      const outcomes = await Promise.all(
        bodies.map((body) => replies.send([reply(client.box.address, body)])),
      );
      expect(new Set(outcomes.flat())).toEqual(new Set(['sent']));
      await until('all have arrived', () => client.arrived.length === 300);
      expect(client.bodies()).toEqual(bodies);
      expect(client.calls).toBeLessThan(150);
    });

    test('what another program sends to a box arrives as fields', async () => {
      const client = await openBox(opened({ url: nats.url }));
      const subject = names.replies(client.box.address);
      nats.client.publish(subject, 'hello');
      nats.client.publish(subject, Uint8Array.of(0xff));
      nats.client.publish(subject);
      await until('all have arrived', () => client.arrived.length === 3);
      expect(client.arrived).toEqual([
        ['payload', 'hello'],
        ['payload', '\udcff'],
        ['payload', ''],
      ]);
    });

    test('one that is too large is refused, and the others are sent', async () => {
      const own = await started({ config: { max_payload: 4096 } });
      const client = await openBox(opened({ url: own.url }));
      const { address } = client.box;
      const [first, refused, third] = await opened({ url: own.url }).send([
        reply(address, '1'),
        reply(address, 'x'.repeat(5000)),
        reply(address, '3'),
      ]);
      expect(refused).toBeInstanceOf(PayloadTooLargeError);
      expect([first, third]).toEqual(['sent', 'sent']);
      await until('two have arrived', () => client.arrived.length === 2);
    });

    test('a broken connection is told to callers that wait, and the box works again afterwards', async () => {
      const own = await started();
      const replies = opened({ url: own.url });
      const client = await openBox(opened({ url: own.url }));
      const idle = await openBox(opened({ url: own.url }));
      idle.waiting = false;
      await own.server.kill();
      await until('the caller is told', () => client.lost.length > 0);
      expect(client.lost).toEqual([expect.any(ConnectionError)]);
      expect(idle.lost).toEqual([]);
      const ready = client.box.ready();
      expect(ready, 'no connection is there').toBeInstanceOf(Promise);
      await own.server.start();
      await ready;
      expect(await replies.send([reply(client.box.address, 'later')])).toEqual(['sent']);
      await until('it has arrived', () => client.bodies().includes('later'));
      expect(client.lost).toHaveLength(1);
    });

    test('a server that does not come back in time: neither sent nor ready', async () => {
      const own = await started();
      const options = { url: own.url, connectTimeout: 300 };
      const replies = opened(options);
      const client = await openBox(opened(options));
      await replies.send([reply(client.box.address, '1')]);
      await own.server.kill();
      await until('the caller is told', () => client.lost.length > 0);
      await expect(client.box.ready()).rejects.toBeInstanceOf(ConnectionError);
      const [outcome] = await replies.send([reply(client.box.address, '2')]);
      expect(outcome).toBeInstanceOf(ConnectionError);
      await own.server.start();
      await until('the box is ready', async () => {
        return (await client.box.ready()?.catch(() => 'not yet')) === undefined;
      });
      await until('the other side is there, too', async () => {
        return (await replies.send([reply(client.box.address, '3')]))[0] === 'sent';
      });
      await until('it has arrived', () => client.bodies().at(-1) === '3');
      expect(client.bodies()).not.toContain('2');
    });

    test('a user that may not listen to answers is told so', async () => {
      const users = [
        {
          user: 'caller',
          password: 'caller',
          permissions: { publish: ['>'], subscribe: ['_INBOX.>'] },
        },
      ];
      const server = await startNats({ version, config: { authorization: { users } } });
      onTestFinished(() => server.stop());
      const client = await openBox(
        opened({ url: server.url(), user: 'caller', password: 'caller' }),
      );
      await until('the caller is told', () => client.lost.length > 0);
      expect(client.lost[0]).toBeInstanceOf(PermissionDeniedError);
      expect(client.lost[0]).toMatchObject({
        command: 'subscribe',
        key: names.replies(client.box.address),
      });
    });

    test('a user that may not answer is told so', async () => {
      const users = [
        { user: 'caller', password: 'caller' },
        { user: 'service', password: 'service', permissions: { publish: ['orders'] } },
      ];
      const server = await startNats({ version, config: { authorization: { users } } });
      onTestFinished(() => server.stop());
      const url = server.url();
      const client = await openBox(opened({ url, user: 'caller', password: 'caller' }));
      const replies = opened({ url, user: 'service', password: 'service' });
      const [outcome] = await replies.send([reply(client.box.address, '1')]);
      expect(outcome).toBeInstanceOf(PermissionDeniedError);
      expect(outcome).toMatchObject({
        command: 'publish',
        key: names.replies(client.box.address),
      });
    });

    test('a caller whose process has ended is gone', async () => {
      const client = await connect({ servers: nats.url });
      const subscription = client.subscribe(names.replies('client-x'));
      await client.flush();
      const replies = opened({ url: nats.url });
      expect(await replies.send([reply('client-x', '1')])).toEqual(['sent']);
      subscription.unsubscribe();
      await client.close();
      await until('the server has noticed', async () => {
        return (await replies.send([reply('client-x', '2')]))[0] === 'gone';
      });
    });

    test('a closed box is not ready, and a closed driver sends nothing', async () => {
      const driver = natsDriver({ url: nats.url }).open({ events: new EventBus(), keyPrefix: '' });
      const client = await openBox(driver.replies!);
      await client.box.close();
      await client.box.close();
      await expect(client.box.ready()).rejects.toMatchObject({ code: 'CLOSED' });
      await driver.source.close();
      const [outcome] = await driver.replies!.send([reply(client.box.address, '1')]);
      expect(outcome).toMatchObject({ code: 'CLOSED' });
      expect(client.lost).toEqual([]);
    });
  });
});
