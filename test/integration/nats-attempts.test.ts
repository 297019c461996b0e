import type { NatsConnection } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Lease } from '../../lib/core/lease.js';
import {
  ack,
  deadLetter,
  release,
  releaseElsewhere,
  retry,
  type Retry,
} from '../../lib/core/settlement.js';
import { nats } from '../../lib/drivers/nats/nats.driver.js';
import type { Driver } from '../../lib/ports/driver.js';
import type { Settling } from '../../lib/ports/source.js';
import type { Subscription } from '../../lib/ports/subscription.js';
import { needsNats, testNats, type TestNats } from '../support/nats.js';
import { until } from '../support/until.js';

/** Long enough for the steps of a test on a slow machine, short enough to wait for. */
const IDLE = 800;
const uncharged: Retry = { ...retry(0), uncharged: true };

let server: TestNats;
let streams = 0;

/** The stream of one test, and what it has opened. */
class Place {
  readonly stream = `orders-${++streams}`;
  private readonly opened: Driver[] = [];

  async consumer(consumer: string): Promise<Consumer> {
    const driver = this.open();
    const subscription = await driver.source.subscribe({
      ...{ streams: [this.stream], group: 'g', consumer, startId: '0' },
      ...{ blockTimeout: 100, idleTimeout: IDLE, reclaimInterval: 100 },
    });
    return new Consumer(this.stream, driver, subscription);
  }

  async publish(): Promise<string> {
    const entry = { stream: this.stream, fields: ['payload', '1'] };
    const [id] = await this.open().source.publish([entry]);
    expect(id).toBeTypeOf('string');
    return id as string;
  }

  async close(): Promise<void> {
    await Promise.all(this.opened.map((driver) => driver.source.close()));
  }

  private open(): Driver {
    const driver = nats({ url: server.url }).open({ events: new EventBus(), keyPrefix: '' });
    this.opened.push(driver);
    return driver;
  }
}

/** A process of its own, as far as the server knows. */
class Consumer {
  constructor(
    private readonly stream: string,
    readonly driver: Driver,
    readonly subscription: Subscription,
  ) {}

  async take(): Promise<Lease> {
    for (;;) {
      const [lease] = await this.subscription.pull(1);
      if (lease) return lease;
    }
  }

  /** Takes an entry that was run before, and counts the run. */
  async takeAndBegin(): Promise<Lease> {
    const lease = await this.take();
    expect(await this.subscription.begin(lease)).toBe('started');
    return lease;
  }

  async settle(lease: Lease, settlement: Settling['settlement']): Promise<unknown> {
    const record = { stream: this.stream, id: lease.id, group: 'g' };
    const [outcome] = await this.driver.source.settle([{ lease, settlement, record } as Settling]);
    return outcome;
  }

  /** The process dies: the server hears no more of it. */
  async crash(): Promise<void> {
    await (this.driver.unwrap!() as NatsConnection).close();
  }
}

/** Ways in which a run can end or a process can die, and the count that the next consumer sees. */
const WAYS: readonly (readonly [
  string,
  number,
  (a: Consumer, first: Lease) => Promise<unknown>,
])[] = [
  ['dies in its first run', 1, (a) => a.crash()],
  [
    'waits for its retry, and dies',
    1,
    async (a, lease) => {
      await a.settle(lease, retry(1000));
      await a.crash();
    },
  ],
  [
    'dies in its second run',
    2,
    async (a, lease) => {
      await a.settle(lease, retry(0));
      await a.subscription.begin(lease);
      await a.crash();
    },
  ],
  [
    'has put its first run off, and dies',
    0,
    async (a, lease) => {
      await a.settle(lease, uncharged);
      await a.crash();
    },
  ],
  [
    'has put its second run off, and dies',
    1,
    async (a, lease) => {
      await a.settle(lease, retry(0));
      await a.subscription.begin(lease);
      await a.settle(lease, uncharged);
      await a.crash();
    },
  ],
  ['releases it before the first run has ended', 0, (a, lease) => a.settle(lease, release)],
  [
    'releases it while it waits for its retry',
    1,
    async (a, lease) => {
      await a.settle(lease, retry(1000));
      await a.settle(lease, release);
    },
  ],
  [
    'releases it in its third run',
    2,
    async (a, lease) => {
      for (let run = 1; run < 3; run++) {
        await a.settle(lease, retry(0));
        await a.subscription.begin(lease);
      }
      await a.settle(lease, release);
    },
  ],
  [
    'releases it and dies at once',
    0,
    async (a, lease) => {
      await a.settle(lease, release);
      await a.crash();
    },
  ],
  ['offers it to others', 0, (a, lease) => a.settle(lease, releaseElsewhere)],
  [
    'offers it to others after a run',
    1,
    async (a, lease) => {
      await a.settle(lease, retry(0));
      await a.settle(lease, releaseElsewhere);
    },
  ],
  [
    'offers it to others, begins it all the same, and dies',
    2,
    async (a, lease) => {
      await a.settle(lease, retry(0));
      await a.settle(lease, releaseElsewhere);
      expect(await a.subscription.begin(lease)).toBe('started');
      await a.crash();
    },
  ],
];

/** What a consumer that has lost an entry may try. Nothing comes of it. */
const LATE: readonly (readonly [string, (a: Consumer, lease: Lease) => Promise<unknown>])[] = [
  ['retries', (a, lease) => a.settle(lease, retry(0))],
  ['releases', (a, lease) => a.settle(lease, release)],
  ['offers it to others', (a, lease) => a.settle(lease, releaseElsewhere)],
  ['gives up', (a, lease) => a.settle(lease, deadLetter('unrecoverable'))],
  ['extends', async (a, lease) => (await a.subscription.extend([lease]))[0]],
  ['begins', (a, lease) => a.subscription.begin(lease)],
  [
    'publishes',
    (a, lease) =>
      a.settle(lease, {
        ...ack,
        publish: [{ stream: `${lease.stream}-next`, fields: ['payload', '2'] }],
      }),
  ],
];

describe('runs on NATS', needsNats('floor', 'current'), () => {
  describe.each(['floor', 'current'] as const)('on the %s server', (version) => {
    beforeAll(async () => void (server = await testNats({ version })));
    afterAll(() => server.cleanup());

    describe.concurrent.each(WAYS)('of a consumer that %s', (_, runs, way) => {
      test(`are ${runs} to the next consumer`, async ({ onTestFinished }) => {
        const place = new Place();
        onTestFinished(() => place.close());
        const id = await place.publish();
        const a = await place.consumer('a');
        const lease = await a.take();
        expect(lease).toMatchObject({ charged: true, attempt: 1 });
        await way(a, lease);
        await a.subscription.stop();
        const b = await place.consumer('b');
        const next = await b.take();
        expect(next).toMatchObject({ id, charged: false, attempt: runs });
        expect(await b.subscription.begin(next)).toBe('started');
        expect(next).toMatchObject({ charged: true, attempt: runs + 1 });
        expect(await b.settle(next, ack)).toBe('settled');
      });
    });

    describe.concurrent.each(LATE)('of a consumer that wakes up too late and %s', (_, late) => {
      test('are lost, and the owner goes on', async ({ onTestFinished }) => {
        const place = new Place();
        onTestFinished(() => place.close());
        await place.publish();
        const a = await place.consumer('a');
        const lease = await a.take();
        await a.settle(lease, retry(0));
        await a.subscription.begin(lease);
        await a.subscription.stop();
        const b = await place.consumer('b');
        const owned = await b.takeAndBegin();
        expect(owned.attempt).toBe(3);
        expect(await late(a, lease)).toBe('lost');
        expect(await b.subscription.extend([owned])).toEqual(['held']);
        expect(await b.settle(owned, retry(0))).toBe('settled');
        expect(await b.subscription.begin(owned)).toBe('started');
        await b.crash();
        const c = await place.consumer('c');
        expect(await c.take()).toMatchObject({ charged: false, attempt: 4 });
        const { deadLetters } = c.driver;
        expect((await deadLetters!.list(place.stream, 10)).items).toEqual([]);
        const found = await server.client.request(`$JS.API.STREAM.INFO.${place.stream}-next`);
        expect(found.json<{ error?: { code: number } }>().error?.code).toBe(404);
      });
    });

    describe.concurrent('of an entry', () => {
      test('are not charged by being taken over, only by a run', async ({ onTestFinished }) => {
        const place = new Place();
        onTestFinished(() => place.close());
        await place.publish();
        const first = await place.consumer('a');
        await first.take();
        await first.crash();
        for (const name of ['b', 'c']) {
          const consumer = await place.consumer(name);
          expect(await consumer.take()).toMatchObject({ charged: false, attempt: 1 });
          await consumer.crash();
        }
        const last = await place.consumer('d');
        expect(await last.takeAndBegin()).toMatchObject({ attempt: 2 });
      });

      test('go on where its own consumer is delivered it again', async ({ onTestFinished }) => {
        const place = new Place();
        onTestFinished(() => place.close());
        const id = await place.publish();
        const a = await place.consumer('a');
        const lease = await a.take();
        // The consumer does not keep it fresh, and there is no other one.
        await nothingComes(a, 3 * IDLE);
        expect(await a.subscription.extend([lease])).toEqual(['held']);
        expect(await a.settle(lease, retry(0))).toBe('settled');
        expect(await a.subscription.begin(lease)).toBe('started');
        expect(lease).toMatchObject({ id, attempt: 2 });
        expect(await a.settle(lease, ack)).toBe('settled');
      });

      test('are done once a consumer acknowledges too late', async ({ onTestFinished }) => {
        const place = new Place();
        onTestFinished(() => place.close());
        await place.publish();
        const a = await place.consumer('a');
        const lease = await a.take();
        await a.subscription.stop();
        const b = await place.consumer('b');
        const owned = await b.takeAndBegin();
        expect(await a.settle(lease, ack)).toBe('settled');
        expect(await b.subscription.extend([owned])).toEqual(['gone']);
        expect(await b.settle(owned, retry(0))).toBe('gone');
        await b.crash();
        await nothingComes(await place.consumer('c'), 2 * IDLE);
      });
    });

    test('are counted also while the server is killed and starts again', async ({
      onTestFinished,
    }) => {
      const place = new Place();
      onTestFinished(() => place.close());
      await place.publish();
      const a = await place.consumer('a');
      const lease = await a.take();
      await a.settle(lease, retry(0));
      await server.server.kill();
      await server.server.start();
      await until('a run can begin', async () => (await begun(a, lease)) === 'started');
      expect(lease.attempt).toBe(2);
      await a.crash();
      const b = await place.consumer('b');
      expect(await b.take()).toMatchObject({ charged: false, attempt: 2 });
    });
  });
});

async function nothingComes(consumer: Consumer, ms: number): Promise<void> {
  const end = performance.now() + ms;
  while (performance.now() < end) expect(await consumer.subscription.pull(10)).toEqual([]);
}

/** While the server is away, no run begins. */
const begun = (consumer: Consumer, lease: Lease): Promise<unknown> =>
  consumer.subscription.begin(lease).catch((error: unknown) => error);
