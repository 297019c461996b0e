import { Controller, Inject, Injectable, Scope } from '@nestjs/common';
import {
  fanOut,
  getStreamsToken,
  next,
  OnStreamEvent,
  redis,
  StreamHandler,
  StreamPublisher,
  StreamsAdmin,
  StreamsModule,
  StreamsTransport,
  UnrecoverableError,
  Workflows,
  type PublishedEvent,
  type SettledEvent,
  type StreamsEvents,
} from 'nestjs-redis-streams';
import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { inAllSlots } from '../support/in-all-slots.js';
import { appModule, createApp } from '../support/nest-app.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { until } from '../support/until.js';

let server: TestRedis;

beforeAll(async () => {
  server = await testRedis();
});
afterAll(() => server.cleanup());

const DRIVERS: [string, () => DriverFactory][] = [
  ['memory', () => memory()],
  ['redis', () => redis({ url: server.url })],
];

type Name = keyof StreamsEvents;
type Told = { [N in Name]: [N, StreamsEvents[N]] }[Name];

/** Collects the events of these names, in their order. */
function collector(transport: StreamsTransport, names: readonly Name[]) {
  const told: Told[] = [];
  for (const name of names)
    transport.on(name, (event: unknown) => void told.push([name, event] as Told));
  return {
    of: <N extends Name>(name: N) =>
      told.flatMap(([other, event]) => (other === name ? [event as StreamsEvents[N]] : [])),
    names: () => told.map(([name]) => name),
  };
}

const LIFE = ['started', 'ready', 'stopping', 'stopped'] as const;
const MESSAGES = ['published', 'delivered', 'promoted', 'settled'] as const;
const WORK = ['workflow-begun', 'workflow-ended'] as const;
const ADMIN = ['administered', 'redriven', 'purged'] as const;

let apps = 0;

async function start(driver: DriverFactory, controller: new () => object, providers = []) {
  const streams = StreamsModule.forRoot({
    slots: inAllSlots(driver),
    group: 'shop',
    keyPrefix: `${server.prefix}${apps++}:`,
    backoff: { delay: 1 },
    reclaimInterval: 100,
  });
  const app = await createApp(
    appModule({ controllers: [controller], providers, imports: [streams] }),
  );
  onTestFinished(() => app.close());
  const transport = app.get(StreamsTransport);
  const events = collector(transport, [...LIFE, ...MESSAGES, ...WORK, ...ADMIN]);
  await app.listen();
  return { app, events, publisher: app.get(StreamPublisher), admin: app.get(StreamsAdmin) };
}

describe.each(DRIVERS)('events on %s', (_, open) => {
  it('tell of the transport from its start to its end, each once', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order.paid')
      handle() {}
    }
    const { app, events } = await start(open(), Orders);
    await until('it is ready', () => events.of('ready').length > 0);
    await app.close();
    const names = events.names().filter((name) => (LIFE as readonly string[]).includes(name));
    expect(names).toEqual(['started', 'ready', 'stopping', 'stopped']);
    expect(events.of('started')).toEqual([
      { consumers: [{ group: 'shop', streams: ['order.paid'] }] },
    ]);
  });

  it('tell of a message from its publication to its settlement', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order.paid')
      async handle() {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    const { events, publisher } = await start(open(), Orders);
    const id = await publisher.publish('order.paid', { total: 1 });
    const delayed = await publisher.publish('order.paid', { total: 2 }, { delay: 30 });
    await until('both are settled', () => events.of('settled').length === 2);
    const common = { stream: 'order.paid', eventType: 'order.paid', by: 'producer', messages: 1 };
    expect(events.of('published')).toEqual([
      { ...common, id, delayed: false, duration: expect.any(Number) },
      { ...common, id: delayed, delayed: true, duration: expect.any(Number) },
    ]);
    expect(events.of('promoted')).toEqual([{ stream: 'order.paid', count: 1 }]);
    const [first, second] = events.of('settled') as [SettledEvent, SettledEvent];
    const { consumer, publishedAt } = first;
    const where = { stream: 'order.paid', group: 'shop', id, consumer };
    expect(events.of('delivered')[0]).toEqual({ ...where, attempt: 1, publishedAt });
    expect(events.of('delivered')).toHaveLength(2);
    expect(first).toMatchObject({ ...where, outcome: 'handled', messages: 1, workflow: undefined });
    for (const { handlerTime, duration, wait } of [first, second]) {
      expect(handlerTime).toBeGreaterThan(15_000);
      expect(Number.isInteger(handlerTime)).toBe(true);
      expect(handlerTime / 1000).toBeLessThanOrEqual(duration + 0.001);
      // The intended delay does not count.
      expect(wait).toBeGreaterThanOrEqual(0);
      expect(wait).toBeLessThan(10_000);
    }
    expect(Math.abs(publishedAt - Date.now())).toBeLessThan(60_000);
  });

  it('tell the wait of a retry since it was due, and the size of a batch', async () => {
    let runs = 0;
    @Controller()
    class Orders {
      @StreamHandler('single')
      single() {
        if (runs++ === 0) throw new Error('not yet');
      }
      @StreamHandler('many', { batch: { size: 2, maxWait: 60_000 } })
      many() {}
    }
    const { events, publisher } = await start(open(), Orders);
    await publisher.publish('single', 1);
    await publisher.publishBatch([
      { eventType: 'many', payload: 1 },
      { eventType: 'many', payload: 2 },
    ]);
    await until('all are settled', () => events.of('settled').length === 4);
    const settled = events.of('settled');
    const batch = settled.filter(({ stream }) => stream === 'many');
    expect(batch.map(({ messages, outcome }) => [messages, outcome])).toEqual([
      [2, 'handled'],
      [2, 'handled'],
    ]);
    const again = settled.filter(({ stream }) => stream === 'single')[1]!;
    expect(again).toMatchObject({ outcome: 'handled', attempt: 2, messages: 1 });
    expect(again.wait).toBeLessThan(10_000);
  });

  it('tell of a workflow, and of what its steps publish', async () => {
    @Controller()
    class Steps {
      @StreamHandler('order.placed')
      placed() {
        return fanOut([next('part', 1), next('part', 2)], { join: 'packed' });
      }
      @StreamHandler('part')
      part() {
        return { done: true };
      }
      @StreamHandler('packed')
      packed() {}
    }
    const { app, events, publisher } = await start(open(), Steps);
    const workflow = await app.get(Workflows).start('order.placed', {});
    await until('the first ends', () => events.of('workflow-ended').length === 1);
    await publisher.publish('order.placed', {});
    await until('the second ends', () => events.of('workflow-ended').length === 2);
    const begun = events.of('workflow-begun');
    expect(begun[0]).toEqual({ workflow, eventType: 'order.placed', stream: undefined });
    expect(begun[1]).toMatchObject({ eventType: 'order.placed', stream: 'order.placed' });
    expect(begun).toHaveLength(2);
    const ended = events.of('workflow-ended');
    expect(ended[0]).toMatchObject({ workflow, status: 'completed', steps: 4 });
    expect(ended[1]!.workflow).toBe(begun[1]!.workflow);
    const published = events.of('published').filter(({ by }) => by === 'settlement');
    expect(published.map(({ eventType }) => eventType).toSorted()).toEqual([
      'packed',
      'packed',
      'part',
      'part',
      'part',
      'part',
    ]);
    const workflows = new Set(events.of('settled').map((event) => event.workflow));
    expect(workflows).toEqual(new Set([workflow, undefined, begun[1]!.workflow]));
  });

  it('tell what an operator has done, and who it was', async () => {
    @Controller()
    class Orders {
      @StreamHandler('order.paid')
      handle() {
        throw new UnrecoverableError('no');
      }
    }
    const { app, events, admin, publisher } = await start(open(), Orders);
    await publisher.publish('order.paid', 1);
    await until('it is given up', () => events.of('settled').length === 1);
    const alice = admin.as('alice');
    expect(await alice.deadLetters.redrive('order.paid', { group: 'shop' })).toBe(1);
    await until('it is given up again', () => events.of('settled').length === 2);
    expect(await alice.deadLetters.purge('order.paid', { all: true })).toBe(1);
    await expect(admin.groups.setPosition('nowhere', 'shop', '0')).rejects.toThrow();
    await app.get(StreamsTransport).pause('order.paid');
    const order = { stream: 'order.paid', count: 1 };
    const told = events.of('administered');
    expect(told).toEqual([
      {
        ...order,
        action: 'dead-letters.redrive',
        group: 'shop',
        details: { group: 'shop' },
        by: 'alice',
      },
      { ...order, action: 'dead-letters.purge', details: { all: true }, by: 'alice' },
      {
        action: 'groups.set-position',
        stream: 'nowhere',
        group: 'shop',
        details: { position: '0' },
        error: expect.any(Error),
      },
      { ...order, action: 'reading.pause', group: 'shop' },
    ]);
    expect(events.of('redriven')).toEqual([told[0]]);
    expect(events.of('purged')).toEqual([told[1]]);
  });
});

describe('@OnStreamEvent', () => {
  it('calls methods with the events of all modules or of one, and an error harms nothing', async () => {
    const heard: unknown[][] = [];
    @Injectable()
    class Listener {
      @OnStreamEvent('settled')
      @OnStreamEvent('stopped')
      all(event: SettledEvent | StreamsEvents['stopped'], module: string) {
        heard.push(['all', module, 'id' in event ? event.outcome : 'stopped']);
      }
      @OnStreamEvent('published', { name: 'billing' })
      async one({ eventType }: PublishedEvent, module: string) {
        await Promise.resolve();
        heard.push(['one', module, eventType]);
      }
      @OnStreamEvent('published', { name: 'billing' })
      throws() {
        throw new Error('the listener is broken');
      }
      @OnStreamEvent('published', { name: 'billing' })
      async rejects() {
        throw new Error('the listener is away');
      }
      @OnStreamEvent('listener-failed')
      failed({ listener, error }: StreamsEvents['listener-failed'], module: string) {
        heard.push(['failed', module, `${listener}: ${error.message}`]);
      }
      @OnStreamEvent('warning')
      warned({ code }: StreamsEvents['warning'], module: string) {
        heard.push(['warned', module, code]);
      }
    }
    @Injectable({ scope: Scope.REQUEST })
    class Requested {
      @OnStreamEvent('published', { name: 'billing' })
      never() {
        heard.push(['never']);
      }
    }
    @Injectable({ scope: Scope.TRANSIENT })
    class Transient {
      @OnStreamEvent('published', { name: 'billing' })
      never() {
        heard.push(['never']);
      }
    }
    @Injectable()
    class HasTransient {
      constructor(@Inject(Transient) readonly transient: Transient) {}
    }
    @Controller()
    class Orders {
      @StreamHandler('order.paid')
      handle() {}
    }
    const module = (name?: string) =>
      StreamsModule.forRoot({
        slots: inAllSlots(memory()),
        group: 'shop',
        ...(name !== undefined && { name }),
      });
    const app = await createApp(
      appModule({
        controllers: [Orders],
        providers: [
          Listener,
          Requested,
          Transient,
          HasTransient,
          { provide: 'ALIAS', useExisting: Listener },
        ],
        imports: [module(), module('billing')],
      }),
    );
    await app.listen();
    await app.get(StreamPublisher).publish('order.paid', 1);
    const billing = app.get<StreamPublisher>(getStreamsToken('billing', StreamPublisher));
    await billing.publish('bill.paid', 1);
    const of = (who: string) => heard.filter(([name]) => name === who);
    await until('all are heard', () => of('all').length === 1 && of('failed').length === 2);
    await app.close();
    expect(of('all')).toEqual([
      ['all', 'default', 'handled'],
      ['all', 'default', 'stopped'],
    ]);
    expect(of('one')).toEqual([['one', 'billing', 'bill.paid']]);
    expect(of('failed')).toEqual([
      ['failed', 'billing', 'Listener.throws: the listener is broken'],
      ['failed', 'billing', 'Listener.rejects: the listener is away'],
    ]);
    const warned = of('warned').filter((one) => one[2] === 'REQUEST_SCOPED_LISTENER');
    expect(warned).toEqual(
      Array.from({ length: 2 }, () => ['warned', 'billing', 'REQUEST_SCOPED_LISTENER']),
    );
    expect(of('never')).toEqual([]);
  });

  it.each(['ded-lettered', '', undefined, 'toString'])('refuses the name %s', (name) => {
    expect(() => OnStreamEvent(name as 'settled')).toThrow(
      /event .*must be the name of an event: docs\/events\.md/,
    );
  });
});
