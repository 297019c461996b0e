import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Driver, DriverFactory } from '../../../lib/ports/driver.js';
import { PermissionDeniedError } from '../../../lib/core/errors/server.errors.js';
import type { StreamsEvents } from '../../../lib/core/events.js';
import type { LiveConsumers, Membership } from '../../../lib/ports/live-consumers.js';
import { VERSION } from '../../../lib/consuming/live-consumers/library-version.js';
import { memory } from '../../../lib/drivers/memory/index.js';
import { StreamsRuntime } from '../../../lib/runtime/streams-runtime.js';
import type { StreamsOptions } from '../../../lib/options/streams-options.js';
import { driverWith } from '../../support/driver-with.js';
import { gate, World } from '../../support/engine.js';
import packageJson from '../../../package.json' with { type: 'json' };
import { inAllSlots } from '../../support/in-all-slots.js';

describe('the announcement of a consumer', () => {
  let world: World;
  let runtimes: StreamsRuntime[];
  beforeEach(() => {
    world = new World();
    runtimes = [];
  });
  afterEach(async () => {
    const closed = Promise.all(runtimes.map((runtime) => runtime.close()));
    for (let turn = 0; turn < 10; turn++) await world.clock.advance(10_000);
    await closed;
    await world.close();
  });

  /** The registry of the driver, but for what a test puts in its place. */
  const withLive = (change: (live: LiveConsumers) => Partial<LiveConsumers> | undefined) =>
    driverWith(memory({ broker: world.broker }), ({ live }: Driver) => {
      const changed = change(live!);
      return {
        live: changed && {
          settlingTime: 0,
          join: live!.join.bind(live),
          members: live!.members.bind(live),
          ...changed,
        },
      };
    });

  async function start(
    events: string[],
    options: Partial<StreamsOptions> = {},
    source: DriverFactory = memory({ broker: world.broker }),
    work?: () => unknown,
    orderBy?: string,
  ) {
    const runtime = new StreamsRuntime({
      slots: inAllSlots(source),
      group: 'g',
      idleTimeout: 10_000,
      ...options,
    });
    runtimes.push(runtime);
    const warnings: StreamsEvents['warning'][] = [];
    const settled: StreamsEvents['settled'][] = [];
    runtime.events.on('warning', (warning) => {
      if (warning.code !== 'STREAM_ROUTE_MISMATCH') warnings.push(warning);
    });
    runtime.events.on('settled', (event) => settled.push(event));
    const [reading] = await runtime.subscribe([
      {
        name: 'H.h',
        events,
        options: { streams: ['s'], ...(orderBy && { orderBy }) },
        invoke: async () => {
          await work?.();
          return { kind: 'ack' };
        },
      },
    ]);
    await world.settle();
    return {
      runtime,
      warnings,
      settled,
      reading: reading!,
      codes: () => warnings.map((one) => one.code),
    };
  }

  const publish = async (eventType: string) => {
    await world.runtime().producer.publish({ stream: 's', eventType, payload: {} });
    await world.settle();
  };

  it('says what is handled, by which process, until it is closed', async () => {
    const { runtime } = await start(['a', 'b*'], { application: 'shop', consumer: 'w' });
    const read = () => runtime.admin.groups.liveConsumers('s', 'g');
    expect(await read()).toMatchObject({
      unannounced: [],
      consumers: [
        {
          consumer: 'w',
          events: ['a', 'b*'],
          state: 'live',
          alive: true,
          process: {
            host: hostname(),
            pid: process.pid,
            application: 'shop',
            version: packageJson.version,
          },
          options: { idleTimeout: 10_000, maxDeliveries: 5, ordered: false },
        },
      ],
    });
    await world.clock.advance(60_000);
    expect((await read()).consumers).toMatchObject([{ alive: true, age: 60_000 }]);
    await runtime.drain();
    expect((await read()).consumers).toMatchObject([{ alive: false, state: 'closed' }]);
    expect(VERSION).toBe(packageJson.version);
  });

  it('warns of a name that lives already, and runs under another one', async () => {
    const first = await start(['a'], { consumer: 'worker-1' });
    const second = await start(['a'], { consumer: 'worker-1' });
    expect(first.codes()).toEqual([]);
    expect(second.codes()).toEqual(['CONSUMER_NAME_IN_USE']);
    expect(second.reading.consumer.name).toBe('worker-1~2');
    for (let at = 0; at < 10; at++) await publish('a');
    const names = [...first.settled, ...second.settled].map(({ consumer }) => consumer);
    expect(new Set(names)).toEqual(new Set(['worker-1', 'worker-1~2']));
  });

  it('warns of two applications in one group, naming both, once', async () => {
    await start(['a'], { application: 'shop' });
    await start(['a'], { application: 'shop' });
    const { warnings } = await start(['a'], { application: 'billing' });
    expect(warnings.map(({ code }) => code)).toEqual(['APPLICATIONS_SHARE_GROUP']);
    expect(warnings[0]!.message).toMatch(/"billing" and "shop"/);
  });

  it('warns of options that differ, naming both values and both consumers', async () => {
    await start(['a'], { consumer: 'one' });
    const { warnings } = await start(['a'], {
      consumer: 'two',
      idleTimeout: 5000,
      maxDeliveries: 1,
    });
    expect(warnings.map(({ code }) => code)).toEqual(Array(2).fill('CONSUMER_OPTIONS_DIFFER'));
    expect(warnings[0]!.message).toMatch(/"two" has 5000 ms, "one" has 10000 ms/);
    expect(warnings[1]!.message).toMatch(/maxDeliveries: "two" has 1, "one" has 5/);
  });

  it('warns where one consumer keeps an order and another does not', async () => {
    await start(['a'], { consumer: 'one' }, undefined, undefined, 'key');
    const { warnings } = await start(['a'], { consumer: 'two' });
    expect(warnings.map(({ code }) => code)).toEqual(['CONSUMER_OPTIONS_DIFFER']);
    expect(warnings[0]!.message).toMatch(/ordered: "two" has no orderBy, "one" has orderBy/);
  });

  it('is not read again for events that are handled here', async () => {
    let reads = 0;
    const counted = withLive((live) => ({
      members: (stream, group) => {
        reads++;
        return live.members(stream, group);
      },
    }));
    const { settled } = await start(['a'], {}, counted);
    const atStart = reads;
    for (let at = 0; at < 20; at++) await publish('a');
    expect(settled).toHaveLength(20);
    expect(reads).toBe(atStart);
    await publish('b');
    expect(reads).toBeGreaterThan(atStart);
  });

  it('warns where the driver knows of no consumers, and does as before', async () => {
    const none = withLive(() => undefined);
    const { codes, settled } = await start(['a'], {}, none);
    await publish('b');
    expect(codes()).toEqual(['NO_LIVE_CONSUMERS']);
    expect(settled.map(({ outcome }) => outcome)).toEqual(['filtered']);
  });

  it('warns where it is not permitted, and does as before', async () => {
    const denied = withLive(() => ({
      join: () => Promise.reject(new PermissionDeniedError('NOPERM', { command: 'hset' } as never)),
    }));
    const { codes, settled } = await start(['a'], {}, denied);
    await publish('b');
    expect(codes()).toEqual(['NO_LIVE_CONSUMERS']);
    expect(settled.map(({ outcome }) => outcome)).toEqual(['filtered']);
  });

  it('decides nothing before it has stood for as long as others need', async () => {
    const { settled, runtime } = await start(
      ['a'],
      {},
      withLive(() => ({ settlingTime: 1000 })),
    );
    const waits: string[] = [];
    runtime.events.on('unhandled-waits', ({ why }) => waits.push(why));
    await publish('b');
    expect(settled.map(({ outcome }) => outcome)).toEqual(['postponed']);
    expect(waits).toEqual(['unsettled']);
    await world.clock.advance(2000);
    expect(settled.at(-1)).toMatchObject({ outcome: 'filtered' });
  });

  it('decides nothing for idleTimeout after an outage', async () => {
    const { settled, runtime } = await start(['a']);
    runtime.events.emit('disconnected', { role: 'commands', error: new Error('gone') });
    await publish('b');
    await world.clock.advance(60_000);
    runtime.events.emit('connected', { role: 'commands' });
    await world.clock.advance(9000);
    expect(settled.map(({ outcome }) => outcome)).toEqual(['postponed']);
    await world.clock.advance(2000);
    expect(settled.at(-1)).toMatchObject({ outcome: 'filtered' });
  });

  it('decides nothing for idleTimeout after the announcements had vanished', async () => {
    const { settled } = await start(
      ['a'],
      {},
      withLive((live) => ({
        join: async (announcement) => {
          const membership = await live.join(announcement);
          let refreshed = 0;
          return overridden(membership, {
            refresh: async () => (++refreshed === 1 ? 'announced' : membership.refresh()),
          });
        },
      })),
    );
    await world.clock.advance(2500);
    await publish('b');
    await world.clock.advance(9000);
    expect(settled.map(({ outcome }) => outcome)).toEqual(['postponed']);
    await world.clock.advance(2000);
    expect(settled.at(-1)).toMatchObject({ outcome: 'filtered' });
  });

  it('gives back what a consumer of an older version may handle', async () => {
    let older: string[] = ['old'];
    const { settled } = await start(
      ['a'],
      {},
      withLive((live) => ({
        members: async (stream, group) => {
          const members = await live.members(stream, group);
          const unannounced = older;
          older = [];
          return { ...members, unannounced };
        },
      })),
    );
    older = ['old'];
    await publish('b');
    expect(settled.map(({ outcome }) => outcome)).toEqual(['released', 'filtered']);
  });

  it('runs on under another name where its own was taken, and settles nothing of what it held', async () => {
    const held = gate();
    let taken = false;
    const source = withLive((live) => ({
      join: async (announcement) => {
        const membership = await live.join(announcement);
        return overridden(membership, {
          refresh: async () => (taken ? 'taken' : membership.refresh()),
        });
      },
    }));
    const { settled, runtime, reading } = await start(
      ['a'],
      { consumer: 'w' },
      source,
      () => held.promise,
    );
    const renamed: StreamsEvents['consumer-renamed'][] = [];
    runtime.events.on('consumer-renamed', (event) => renamed.push(event));
    await publish('a');
    taken = true;
    await world.clock.advance(2500);
    taken = false;
    expect(renamed).toEqual([{ group: 'g', streams: ['s'], before: 'w', consumer: 'w~2' }]);
    expect(reading.consumer.name).toBe('w~2');
    held.open();
    await world.settle();
    expect(settled.map(({ outcome, consumer }) => [outcome, consumer])).toEqual([['lost', 'w']]);
    await publish('a');
    expect(settled.at(-1)).toMatchObject({ outcome: 'handled', consumer: 'w~2' });
    await world.clock.advance(20_000);
    expect(settled.filter(({ outcome }) => outcome === 'handled')).toHaveLength(2);
  });
});

const overridden = (membership: Membership, own: Partial<Membership>): Membership =>
  new Proxy(membership, {
    get: (target, name) => {
      if (name in own) return own[name as keyof Membership];
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
