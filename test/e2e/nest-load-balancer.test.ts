import {
  Controller,
  Inject,
  Injectable,
  Logger,
  Scope,
  UseGuards,
  type CanActivate,
  type Provider,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Ctx, Payload, type AsyncMicroserviceOptions } from '@nestjs/microservices';
import {
  DeadLetters,
  InvalidOptionsError,
  LoadBalancedContext,
  LoadBalancedHandler,
  LoadBalancer,
  LoadBalancerModule,
  OnStreamAdded,
  OnStreamExpired,
  OnStreamTerminated,
  RedisStreamsModule,
  RedisStreamsTransport,
  StreamPublisher,
  StreamsModule,
  getLoadBalancerToken,
  RetryLaterError,
  UnrecoverableError,
  next,
  type LoadBalancerModuleOptions,
  type StreamExpired,
  type StreamNotification,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { lastValueFrom, toArray } from 'rxjs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { appModule } from '../support/nest-app.js';
import { work } from '../support/passing-time.js';
import { testRedis, type TestRedis } from '../support/redis.js';
import { secretInUrl } from '../support/secrets.js';
import { until } from '../support/until.js';
import { inAllSlots } from '../support/in-all-slots.js';

let redis: TestRedis;
beforeAll(async () => {
  redis = await testRedis();
});
afterAll(() => redis.cleanup());

let spaces = 0;
const space = () => `${redis.prefix}${++spaces}:`;

interface Given {
  readonly keyPrefix: string;
  readonly consumerId?: string;
  readonly gracePeriod?: number;
  readonly balancer?: Partial<LoadBalancerModuleOptions>;
  readonly controllers?: (new (...args: never[]) => object)[];
  readonly providers?: readonly Provider[];
}

async function start({
  keyPrefix,
  consumerId = 'a',
  gracePeriod,
  balancer,
  controllers,
  providers,
}: Given) {
  const module = appModule({
    imports: [
      RedisStreamsModule.forRoot({
        url: redis.url,
        keyPrefix,
        group: 'test',
        backoff: { delay: 20, jitter: 0 },
        maxDeliveries: 2,
        ...(gracePeriod && { gracePeriod }),
      }),
      LoadBalancerModule.forRoot({ service: 'svc', consumerId, scanInterval: 200, ...balancer }),
    ],
    controllers: controllers ?? [],
    providers: [...(providers ?? [])],
  });
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(module, {
    inject: [RedisStreamsTransport],
    useFactory: (strategy: RedisStreamsTransport) => ({ strategy }),
    logger: false,
    abortOnError: false,
  });
  onTestFinished(() => app.close());
  await app.listen();
  const publisher = app.get(StreamPublisher);
  return {
    app,
    balancer: app.get(LoadBalancer),
    transport: app.get(RedisStreamsTransport),
    publish: (stream: string, payload: unknown, eventType = 'event') =>
      publisher.publish(eventType, payload, { stream }),
  };
}

describe('notifications', () => {
  it('are an Observable and an async iterable, from the moment of init', async () => {
    const { balancer } = await start({ keyPrefix: space() });
    const notifications = balancer.init();
    await balancer.addStream('one', { n: 1 });
    await until('it is owned', () => balancer.streams().length === 1);
    const heard: StreamNotification[] = [];
    for await (const notification of notifications) {
      heard.push(notification);
      if (notification.type !== 'StreamAdded') continue;
      await balancer.doneStream(notification.payload.dataStreamName);
      void balancer.done();
    }
    expect(heard).toMatchObject([
      { type: 'StreamAdded', payload: { dataStreamName: 'one' }, info: { n: 1 } },
      { type: 'StreamTerminated', reason: 'done' },
    ]);
    expect(heard[0]).toHaveProperty('payload.idInLbs', expect.stringMatching(/^\d+-\d+$/));
  });

  it('as an Observable they complete with the last one', async () => {
    const { balancer } = await start({ keyPrefix: space() });
    const all = lastValueFrom(balancer.init().pipe(toArray()));
    await balancer.addStream('one');
    await until('it is owned', () => balancer.streams().length === 1);
    await balancer.release();
    expect((await all).map(({ type }) => type)).toEqual(['StreamAdded', 'StreamTerminated']);
  });

  it('reach methods of providers, which may claim', async () => {
    const heard: string[] = [];
    @Injectable()
    class Sessions {
      constructor(@Inject(getLoadBalancerToken('svc')) private readonly balancer: LoadBalancer) {}

      @OnStreamAdded()
      @OnStreamTerminated({ service: 'svc' })
      tell(notification: StreamNotification): void {
        heard.push(`${this.balancer.id} ${notification.type}`);
      }

      @OnStreamExpired()
      async claim({ payload }: StreamExpired): Promise<void> {
        await this.balancer.claim(payload);
      }

      @OnStreamAdded({ service: 'another' })
      never(): void {
        heard.push('never');
      }
    }
    const keyPrefix = space();
    // Behind two tokens: it is told once.
    const alias = { provide: 'SESSIONS', useExisting: Sessions };
    const a = await start({ keyPrefix, providers: [Sessions, alias] });
    await a.balancer.addStream('one');
    await until('a has it', () => heard.includes('a StreamAdded'));
    await start({ keyPrefix, consumerId: 'b', providers: [Sessions] });
    await a.app.close();
    await until('b has claimed it', () => heard.includes('b StreamAdded'));
    expect(heard).toEqual(['a StreamAdded', 'a StreamTerminated', 'b StreamAdded']);
  });
});

it('listeners that are made for each request are not called: there is none', async () => {
  let calls = 0;
  @Injectable({ scope: Scope.REQUEST })
  class Sessions {
    @OnStreamAdded()
    added(): void {
      calls++;
    }
  }
  const { balancer } = await start({ keyPrefix: space(), providers: [Sessions] });
  balancer.init();
  await balancer.addStream('one');
  await until('it is owned', () => balancer.streams().length === 1);
  expect(calls).toBe(0);
});

it('a listener that fails has a line, which names it and shows no password', async () => {
  const calls: unknown[][] = [];
  @Injectable()
  class Sessions {
    @OnStreamAdded()
    added(): never {
      const error = new Error(`no way to redis://u:${secretInUrl('user')}@host`);
      throw Object.assign(error, { code: 'ECONNREFUSED' });
    }
  }
  const { balancer } = await start({ keyPrefix: space(), providers: [Sessions] });
  const write = (...args: unknown[]): void => void calls.push(args);
  Logger.overrideLogger({ log: write, warn: write, error: write });
  onTestFinished(() => Logger.overrideLogger(false));
  balancer.init();
  await balancer.addStream('one');
  await until('it is logged', () => calls.some((args) => args.at(-1) === 'LoadBalancer'));
  expect(calls.find((args) => args.at(-1) === 'LoadBalancer')).toEqual([
    'Sessions.added, which listens to service "svc", threw: no way to redis://***@host',
    { service: 'svc', listener: 'Sessions.added', code: 'ECONNREFUSED' },
    'LoadBalancer',
  ]);
});

describe('@LoadBalancedHandler', () => {
  /** What runs of a consumer leave behind. */
  interface Seen {
    readonly by: string;
    readonly stream: string;
    readonly n: number;
    readonly token: number;
  }

  function worker(
    by: string,
    seen: Seen[],
    work?: (n: number, context: LoadBalancedContext) => unknown,
  ) {
    @Controller()
    class Worker {
      @LoadBalancedHandler({ service: 'svc' })
      async handle(@Payload() { n }: { n: number }, @Ctx() context: LoadBalancedContext) {
        seen.push({ by, stream: context.stream, n, token: context.token });
        return work?.(n, context);
      }
    }
    return Worker;
  }
  const numbers = (seen: readonly Seen[], stream: string) =>
    seen.filter((one) => one.stream === stream).map(({ n }) => n);

  it('runs the messages of each stream in order, retries included, through the whole pipeline', async () => {
    const seen: Seen[] = [];
    let failures = 0;
    const Worker = worker('a', seen, async (n) => {
      await work(2);
      if (n === 3 && failures++ === 0) throw new Error('once');
      if (n === 5) throw new Error('always');
    });
    const refused: unknown[] = [];
    class NoSevens implements CanActivate {
      canActivate(context: { switchToRpc(): { getData(): { n: number } } }): boolean {
        const { n } = context.switchToRpc().getData();
        if (n === 7) refused.push(n);
        return n !== 7;
      }
    }
    UseGuards(NoSevens)(Worker);
    const { balancer, publish, transport } = await start({
      keyPrefix: space(),
      controllers: [Worker],
    });
    const letters: string[] = [];
    transport.on('dead-lettered', ({ id, reason }) => letters.push(`${id} ${reason}`));
    await publish('x', { n: 0 });
    await balancer.addStream('x', { who: 'me' });
    await balancer.addStream('y');
    for (let n = 1; n < 9; n++) await publish('x', { n });
    for (let n = 0; n < 9; n++) await publish('y', { n });
    await until(
      'all is handled',
      () => seen.filter(({ n }) => n === 8).length === 2,
      10_000,
      () => JSON.stringify(seen),
    );
    expect(numbers(seen, 'x')).toEqual([0, 1, 2, 3, 3, 4, 5, 5, 6, 8]);
    expect(numbers(seen, 'y')).toEqual([0, 1, 2, 3, 4, 5, 5, 6, 8]);
    expect(refused).toHaveLength(4);
    await until('four are dead letters', () => letters.length === 4);
  });

  it('context.done() completes the stream with the message in hand', async () => {
    const seen: Seen[] = [];
    const Worker = worker('a', seen, (n, context) => {
      expect(context.info).toEqual({ user: 'u' });
      if (n === 1) context.done();
    });
    const keyPrefix = space();
    const { balancer, publish } = await start({ keyPrefix, controllers: [Worker] });
    for (let n = 0; n < 3; n++) await publish('x', { n });
    await balancer.addStream('x', { user: 'u' });
    await until('it is done', async () => (await redis.client.xlen(`${keyPrefix}svc-input`)) === 0);
    expect(numbers(seen, 'x')).toEqual([0, 1]);
    // The server knows before its answer has arrived here.
    await until('it is known here', () => balancer.streams().length === 0);
    // What is published later belongs to the next one who is given the stream.
    await balancer.addStream('x', { user: 'u' });
    await until('the rest is handled', () => numbers(seen, 'x').length === 3);
  });

  it('hands streams over when a consumer joins, and back when one leaves: nothing twice', async () => {
    const seen: Seen[] = [];
    const keyPrefix = space();
    const slow = () => work(5);
    const a = await start({ keyPrefix, controllers: [worker('a', seen, slow)] });
    const streams = ['s0', 's1', 's2', 's3', 's4', 's5'];
    for (const stream of streams) await a.balancer.addStream(stream);
    let n = 0;
    let publishing = true;
    const publisher = (async () => {
      for (; publishing; n++) {
        for (const stream of streams) await a.publish(stream, { n });
        await slow();
      }
    })();
    await until('a has all', () => a.balancer.streams().length === 6);
    const b = await start({ keyPrefix, consumerId: 'b', controllers: [worker('b', seen, slow)] });
    await until('they share', () => b.balancer.streams().length === 3);
    await until('b has worked', () => seen.filter(({ by }) => by === 'b').length > 10);
    await b.app.close();
    await until('a has all again', () => a.balancer.streams().length === 6);
    publishing = false;
    await publisher;
    await until(
      'all is handled',
      () => seen.length === n * streams.length,
      15_000,
      () => `${seen.length} of ${n * 6}`,
    );
    for (const stream of streams) {
      expect(numbers(seen, stream)).toEqual(Array.from({ length: n }, (_, index) => index));
      const tokens = seen.filter((one) => one.stream === stream).map(({ token }) => token);
      expect(tokens).toEqual([...tokens].sort((x, y) => x - y));
    }
  });

  it.each([
    ['acknowledgement', () => undefined],
    ['next step', () => next('after', {})],
    ['several steps', () => [next('after', {}), next('after', {}, { delay: 10 })]],
    ['dead letter', () => Promise.reject(new UnrecoverableError('no'))],
    ['retry', () => Promise.reject(new RetryLaterError(10))],
    ['completion', (context: LoadBalancedContext) => context.done()],
  ] as [string, (context: LoadBalancedContext) => unknown][])(
    'an owner that is fenced off settles nothing, hears of it, and the next one repeats the message: %s',
    async (_what, outcome) => {
      const seen: Seen[] = [];
      const keyPrefix = space();
      let signal: AbortSignal | undefined;
      let finish!: () => void;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      const stuck = worker('a', seen, async (_n, context) => {
        signal = context.signal;
        await finished;
        return outcome(context);
      });
      const a = await start({ keyPrefix, controllers: [stuck] });
      await a.balancer.addStream('x');
      await a.publish('x', { n: 0 });
      await until('it runs', () => seen.length === 1);
      const outcomes: string[] = [];
      a.transport.on('settled', ({ outcome }) => outcomes.push(outcome));
      // Another consumer takes the stream, as after a long standstill of its owner.
      const [owned] = a.balancer.streams();
      const lock = `${keyPrefix}x<MUTEX_KEY_SEP>${owned!.id}`;
      await redis.client.set(lock, 'b', 'PX', 1000);
      await until('it hears of it', () => signal!.aborted);
      expect(signal!.reason).toMatchObject({ code: 'STREAM_DISOWNED' });
      finish();
      await until('its outcome is known', () => outcomes.length === 1);
      expect(outcomes).toEqual(['lost']);
      expect((await redis.client.xpending(`${keyPrefix}x`, 'svc-group'))[0]).toBe(1);
      const keys = await redis.client.keys(`*${keyPrefix}*`);
      expect(keys.filter((key) => /after|dead-letter/.test(key))).toEqual([]);
      await start({
        keyPrefix,
        consumerId: 'b',
        controllers: [worker('b', seen, (_n, c) => outcome(c))],
      });
      await until('it is repeated', () => seen.length === 2);
      expect(seen[1]!.token).toBeGreaterThan(seen[0]!.token);
    },
  );

  it('dead letters that are redriven are handled by the owner of their stream', async () => {
    const seen: Seen[] = [];
    const keyPrefix = space();
    let broken = true;
    const Worker = worker('a', seen, () => {
      if (broken) throw new UnrecoverableError('not yet');
    });
    const a = await start({ keyPrefix, controllers: [Worker] });
    const letters: string[] = [];
    a.transport.on('dead-lettered', ({ id }) => letters.push(id));
    await a.balancer.addStream('x');
    await a.publish('x', { n: 0 });
    await until('it is buried', () => letters.length === 1);
    broken = false;
    expect(await a.app.get(DeadLetters).redrive('x', { all: true })).toBe(1);
    await until('it is handled', () => seen.length === 2);
    const redriven = () => redis.client.exists(`{${keyPrefix}x}:redrive:svc-group`);
    await until('nothing is left of it', async () => (await redriven()) === 0);
    await a.publish('x', { n: 1 });
    await until('new ones are, too', () => seen.length === 3);
  });

  it('its results begin the next step, in the step that settles the message', async () => {
    const seen: Seen[] = [];
    const keyPrefix = space();
    const Worker = worker('a', seen, (n) => next('after', { n }, { delay: n }));
    const a = await start({ keyPrefix, controllers: [Worker] });
    await a.balancer.addStream('x');
    for (const n of [0, 5]) await a.publish('x', { n });
    await until('both follow', async () => (await redis.client.xlen(`${keyPrefix}after`)) === 2);
    expect((await redis.client.xpending(`${keyPrefix}x`, 'svc-group'))[0]).toBe(0);
  });

  it('a message does not begin while the one before it, which has timed out, still runs', async () => {
    const ran: number[] = [];
    const keyPrefix = space();
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    @Controller()
    class Worker {
      @LoadBalancedHandler({ service: 'svc', timeout: 50, maxDeliveries: 1 })
      async handle(@Payload() { n }: { n: number }) {
        ran.push(n);
        if (n === 0) await finished;
      }
    }
    const a = await start({ keyPrefix, controllers: [Worker] });
    const buried = new Promise<void>((resolve) => a.transport.on('dead-lettered', () => resolve()));
    await a.balancer.addStream('x');
    for (const n of [0, 1]) await a.publish('x', { n });
    await buried;
    await redis.client.ping();
    expect(ran).toEqual([0]);
    finish();
    await until('the next one runs', () => ran.length === 2);
  });

  it('goes on after Redis has lost everything, as if the stream were new', async () => {
    const seen: Seen[] = [];
    const keyPrefix = space();
    const a = await start({ keyPrefix, controllers: [worker('a', seen)] });
    await a.balancer.addStream('x');
    await a.publish('x', { n: 0 });
    await until('it is handled', () => seen.length === 1);
    // The group alone, under an owner who waits for the next message.
    await redis.client.xgroup('DESTROY', `${keyPrefix}x`, 'svc-group');
    await a.publish('x', { n: 1 });
    await until('the next one is handled', () => seen.some(({ n }) => n === 1));
    // And all that is known of the stream.
    await redis.client.del(`${keyPrefix}svc-input`, `${keyPrefix}x`, `{${keyPrefix}x}:fence`);
    await until('it is not owned any more', () => a.balancer.streams().length === 0);
    await a.balancer.addStream('x');
    await a.publish('x', { n: 2 });
    await until('what comes then is handled', () => seen.some(({ n }) => n === 2));
  });

  it('needs the load balancer of its service', async () => {
    @Controller()
    class Worker {
      @LoadBalancedHandler({ service: 'other' })
      handle(): void {}
    }
    await expect(start({ keyPrefix: space(), controllers: [Worker] })).rejects.toThrow(
      /Worker.handle takes streams of service "other": import LoadBalancerModule.forRoot/,
    );
  });

  it('takes no stream and no group', () => {
    expect(() => {
      class Worker {
        @LoadBalancedHandler({ service: 'svc', group: 'g', events: '' } as never)
        handle(): void {}
      }
      return Worker;
    }).toThrow(/group is no option[\s\S]*events must be event types/);
  });
});

it('names every wrong option', () => {
  const wrong = {
    service: '',
    idleTime: 3999,
    recoveryCount: 0,
    retry: { maxRetries: -2, initialDelay: 20, maxDelay: 10 },
    notifications: 'maybe',
    maxStream: 1,
  };
  const keyPrefix = space();
  return expect(start({ keyPrefix, balancer: wrong as never })).rejects.toThrow(
    InvalidOptionsError,
  );
});

it('a driver that shares no streams out is refused when the application starts', async () => {
  const driver = memory();
  const source = {
    ...driver,
    open: (context: Parameters<typeof driver.open>[0]) => {
      const { ownership: _, ...rest } = driver.open(context);
      return rest;
    },
  };
  const module = appModule({
    imports: [
      StreamsModule.forRoot({ slots: inAllSlots(source), group: 'test' }),
      LoadBalancerModule.forRoot({ service: 'svc', consumerId: 'a' }),
    ],
  });
  const creating = NestFactory.createApplicationContext(module, {
    logger: false,
    abortOnError: false,
  });
  await expect(creating).rejects.toMatchObject({
    code: 'UNSUPPORTED_FEATURE',
    message: expect.stringMatching(/Balancing streams.*memory.*ownership/),
  });
});

it.each(['release', 'done', 'doneStream'] as const)('a handler may await %s', async (call) => {
  const keyPrefix = space();
  let resolved = false;
  @Controller()
  class Worker {
    constructor(private readonly balancer: LoadBalancer) {}

    @LoadBalancedHandler({ service: 'svc' })
    async handle(@Ctx() context: LoadBalancedContext): Promise<void> {
      await work(5);
      if (call === 'doneStream') await this.balancer.doneStream(context.stream);
      else await this.balancer[call]();
      resolved = true;
    }
  }
  const a = await start({ keyPrefix, controllers: [Worker] });
  await a.balancer.addStream('x');
  await a.publish('x', {});
  await until('it resolved', () => resolved);
  await until('it has let go', () => a.balancer.streams().length === 0);
  // Finished, or given back for another consumer; the message itself is settled.
  const left = call === 'release' ? 1 : 0;
  await expect.poll(() => redis.client.xlen(`${keyPrefix}svc-input`)).toBe(left);
  expect((await redis.client.xpending(`${keyPrefix}x`, 'svc-group'))[0]).toBe(0);
});

it('a shutdown waits for the message in hand, and no longer than gracePeriod', async () => {
  const keyPrefix = space();
  let runs = 0;
  @Controller()
  class Worker {
    @LoadBalancedHandler({ service: 'svc' })
    handle(): Promise<void> {
      runs++;
      return new Promise(() => undefined);
    }
  }
  const a = await start({ keyPrefix, controllers: [Worker], gracePeriod: 300 });
  await a.balancer.addStream('x');
  await a.publish('x', {});
  await until('it runs', () => runs === 1);
  const began = performance.now();
  await a.app.close();
  // The last tenth is left for what follows the runs.
  expect(performance.now() - began).toBeGreaterThanOrEqual(265);
  expect(performance.now() - began).toBeLessThan(3000);
  // It is not finished, and not settled: another consumer goes on.
  expect(await redis.client.xlen(`${keyPrefix}svc-input`)).toBe(1);
  expect((await redis.client.xpending(`${keyPrefix}x`, 'svc-group'))[0]).toBe(1);
});
