import type { Server } from 'node:http';
import {
  Controller,
  Get,
  Inject,
  type DynamicModule,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import {
  ConsumerGroupManager,
  getStreamsToken,
  InvalidOptionsError,
  LoadBalancedHandler,
  LoadBalancerModule,
  StreamHandler,
  StreamsModule,
  StreamsTransport,
  type StreamsModuleOptions,
} from 'nestjs-redis-streams/core';
import {
  StreamsHealth,
  StreamsHealthIndicator,
  StreamsHealthModule,
  type HealthReport,
  type StreamsHealthModuleOptions,
} from 'nestjs-redis-streams/health';
import { StreamsMetricsModule } from 'nestjs-redis-streams/metrics';
import { memory, StreamsTestKit } from 'nestjs-redis-streams/memory';
import type { AsyncMicroserviceOptions } from '@nestjs/microservices';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { appModule } from '../support/nest-app.js';
import { freePort } from '../support/free-port.js';
import { until } from '../support/until.js';

/** What depends on how busy the machine is. */
const MACHINE = ['event-loop-blocked'];

@Controller()
class Orders {
  @StreamHandler('orders')
  run(): void {
    // Nothing to do.
  }
}

@Controller('checks')
class Checks {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(StreamsHealthIndicator) private readonly streams: StreamsHealthIndicator,
  ) {}

  @Get('live')
  @HealthCheck()
  live() {
    return this.health.check([() => this.streams.liveness('streams')]);
  }

  @Get('ready')
  @HealthCheck()
  ready() {
    return this.health.check([() => this.streams.readiness('streams')]);
  }

  @Get('billing')
  @HealthCheck()
  billing() {
    return this.health.check([() => this.streams.readiness('billing', { name: 'billing' })]);
  }

  @Get('unknown')
  @HealthCheck()
  unknown() {
    return this.health.check([() => this.streams.readiness('unknown', { name: 'nowhere' })]);
  }
}

const streams = (name = 'default') =>
  StreamsModule.forRoot({
    name,
    slots: { messageSource: memory(), deadLetterQueue: memory() },
    group: `${name}-group`,
  });

interface Page {
  readonly status: number;
  readonly body: Record<string, unknown>;
}

/** An HTTP application with two transports. */
async function start(
  options: StreamsHealthModuleOptions = {},
  health = (): DynamicModule =>
    StreamsHealthModule.forRoot({
      names: ['default', 'billing'],
      cacheFor: 0,
      ignore: MACHINE,
      ...options,
    }),
): Promise<{ app: INestApplication; get: (path: string) => Promise<Page> }> {
  const module = appModule({
    imports: [streams(), streams('billing'), health(), TerminusModule.forRoot({ logger: false })],
    controllers: [Orders, Checks],
  });
  const app = await NestFactory.create(module, { logger: false });
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  app.connectMicroservice({ strategy: app.get(getStreamsToken('billing', StreamsTransport)) });
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  const get = async (path: string): Promise<Page> => {
    const response = await fetch(`${url}/${path}`);
    return { status: response.status, body: (await response.json()) as Page['body'] };
  };
  return { app, get };
}

const NOT_STARTED = (transport: string) => ({ transport, code: 'not-started', status: 'down' });

describe('the pages of an HTTP application', () => {
  it('answer 503 while a transport does not read, and 200 from then on', async () => {
    const { app, get } = await start();
    expect(await get('health/live')).toEqual({ status: 200, body: { status: 'up', causes: [] } });
    expect(await get('health/ready')).toMatchObject({
      status: 503,
      body: { status: 'down', causes: [NOT_STARTED('default'), NOT_STARTED('billing')] },
    });
    await app.startAllMicroservices();
    await until('it is ready', async () => (await get('health/ready')).status === 200);
    expect(await get('health/ready')).toEqual({ status: 200, body: { status: 'up', causes: [] } });
  });

  it('stand at the path of the option, or nowhere', async () => {
    const { get } = await start({ path: 'probes' });
    expect((await get('probes/live')).status).toBe(200);
    expect((await get('health/live')).status).toBe(404);
    const none = await start({ controller: false });
    expect((await none.get('health/live')).status).toBe(404);
  });

  it('ask no server where they have a port of their own, and are not here', async () => {
    const { app, get } = await start({}, () =>
      StreamsHealthModule.forRootAsync({ useFactory: () => ({ port: 0, host: '127.0.0.1' }) }),
    );
    const asked = vi.spyOn(app.get(StreamsHealth), 'readiness');
    expect((await get('health/ready')).status).toBe(404);
    expect(asked).not.toHaveBeenCalled();
  });
});

describe('the indicator in terminus', () => {
  it('is down without an error of its own, up, and down while a group is missing', async () => {
    const { app, get } = await start();
    expect(await get('checks/live')).toMatchObject({ status: 200, body: { status: 'ok' } });
    expect(await get('checks/ready')).toMatchObject({
      status: 503,
      body: { status: 'error', error: { streams: { status: 'down' } } },
    });
    await app.startAllMicroservices();
    await until('it is ready', async () => (await get('checks/ready')).status === 200);
    expect(await get('checks/ready')).toMatchObject({
      status: 200,
      body: { status: 'ok', info: { streams: { status: 'up' } } },
    });
    await app.get(ConsumerGroupManager).deleteGroup('orders', 'default-group');
    const { status, body } = await get('checks/ready');
    expect(status).toBe(503);
    expect(body['error']).toMatchObject({
      streams: { status: 'down', causes: [{ code: 'group-missing', stream: 'orders' }] },
    });
    // The other transport has its group.
    expect((await get('checks/billing')).status).toBe(200);
  });

  it('says degraded in the way of terminus, which answers 200', async () => {
    const { app, get } = await start();
    await app.startAllMicroservices();
    await until('it is ready', async () => (await get('checks/ready')).status === 200);
    const transport = app.get(StreamsTransport);
    const { events } = (transport as unknown as { runtime: { events: Emitting } }).runtime;
    events.emit('messages-lost', { stream: 'orders', group: 'g', count: 3, why: 'deleted' });
    expect(await get('checks/ready')).toMatchObject({
      status: 200,
      body: { status: 'degraded', info: { streams: { status: 'degraded' } } },
    });
    expect((await get('health/ready')).status).toBe(200);
  });

  it('is down for a name that is no transport, and throws nothing', async () => {
    const { get } = await start();
    const { status, body } = await get('checks/unknown');
    expect(status).toBe(503);
    expect(body['error']).toMatchObject({ unknown: { status: 'down' } });
  });
});

interface Emitting {
  emit(name: string, event: object): void;
}

describe('a microservice without HTTP', () => {
  const open = async (options: StreamsHealthModuleOptions, more: DynamicModule[] = []) => {
    const module = appModule({
      imports: [streams(), StreamsHealthModule.forRoot(options), ...more],
      controllers: [Orders],
    });
    const app = await NestFactory.createApplicationContext(module, {
      logger: false,
      abortOnError: false,
    });
    onTestFinished(() => app.close());
    return app;
  };
  const probe = async (port: number, path: string, method = 'GET') =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method })).status;

  it('serves its health on a port of its own, until it is closed', async () => {
    const app = await open({ port: 0, host: '127.0.0.1' });
    const port = app.get(StreamsHealthModule).port!;
    expect(await probe(port, '/health/live')).toBe(200);
    expect(await probe(port, '/health/ready?verbose')).toBe(503);
    expect(await probe(port, '/health')).toBe(404);
    expect(await probe(port, '/constructor')).toBe(404);
    expect(await probe(port, '/health/live', 'POST')).toBe(405);
    await app.close();
    await expect(probe(port, '/health/live')).rejects.toThrow();
  });

  it('has its pages where slashes stand around their path', async () => {
    const app = await open({ port: 0, host: '127.0.0.1', path: '/probes/' });
    const port = app.get(StreamsHealthModule).port!;
    expect(await probe(port, '/probes/live')).toBe(200);
    expect(await probe(port, '/probes/live/')).toBe(200);
  });

  it('shares a port with its metrics, until both are closed', async () => {
    const port = await freePort();
    const at = { port, host: '127.0.0.1' };
    const app = await open(at, [StreamsMetricsModule.forRoot({ ...at, path: '/metrics' })]);
    expect(await probe(port, '/health/live')).toBe(200);
    expect(await probe(port, '/metrics')).toBe(200);
    await app.close();
    await expect(probe(port, '/metrics')).rejects.toThrow();
    const again = await open(at);
    expect(again.get(StreamsHealthModule).port).toBe(port);
  });

  it('survives a connection that it cannot accept', async () => {
    const app = await open({ port: 0, host: '127.0.0.1' });
    const module = app.get(StreamsHealthModule);
    const { server } = module as unknown as { server: { server: { server: Server } } };
    server.server.server.emit('error', new Error('accept EMFILE'));
    expect(await probe(module.port!, '/health/live')).toBe(200);
  });

  it('a port that is taken fails the start, and says so', async () => {
    const app = await open({ port: 0, host: '127.0.0.1' });
    const port = app.get(StreamsHealthModule).port!;
    await expect(open({ port, host: '127.0.0.1' })).rejects.toThrow(
      `port ${port} of StreamsHealthModule cannot be listened on`,
    );
  });
});

/** A microservice in memory and in manual time, with its health. */
async function microservice(
  controller: Type,
  options: Partial<StreamsModuleOptions> = {},
  imports: readonly DynamicModule[] = [],
): Promise<{ kit: StreamsTestKit; health: StreamsHealth }> {
  const kit = new StreamsTestKit();
  const module = appModule({
    imports: [
      StreamsModule.forRoot({ slots: kit.slots, group: 'test', ...options }),
      StreamsHealthModule.forRoot({ controller: false, ignore: MACHINE }),
      ...imports,
    ],
    controllers: [controller],
  });
  const app = await NestFactory.createMicroservice<AsyncMicroserviceOptions>(module, {
    inject: [StreamsTransport],
    useFactory: (strategy: StreamsTransport) => ({ strategy }),
    logger: false,
    abortOnError: false,
  });
  onTestFinished(() => app.close());
  await app.listen();
  return { kit, health: app.get(StreamsHealth) };
}

it('an idle process of a load balanced service is alive and ready', async () => {
  @Controller()
  class Sessions {
    @LoadBalancedHandler({ service: 'sessions' })
    run(): void {
      // Nothing to do.
    }
  }
  const balancer = LoadBalancerModule.forRoot({ service: 'sessions', consumerId: 'a' });
  const { kit, health } = await microservice(Sessions, {}, [balancer]);
  await kit.advance(31_000);
  expect(health.liveness()).toEqual({ status: 'up', causes: [] });
  expect(await health.readiness()).toEqual({ status: 'up', causes: [] });
});

it('a run that is on time keeps a process alive in which another one overruns', async () => {
  let end!: () => void;
  const stuck = new Promise<void>((resolve) => (end = resolve));
  let running = 0;
  @Controller()
  class Work {
    @StreamHandler('short', { timeout: 100 })
    short(): Promise<void> {
      running++;
      return stuck;
    }

    @StreamHandler('long')
    long(): Promise<void> {
      running++;
      return stuck;
    }
  }
  const limits = { concurrency: 2, maxOverrun: 0, maxDeliveries: 1 };
  const { kit, health } = await microservice(Work, limits);
  onTestFinished(end);
  await kit.publish('short', 1);
  await kit.publish('long', 1);
  await until('both slots are taken', () => running === 2);
  await kit.publish('long', 2);
  await kit.advance(60_000);
  expect(health.liveness().status).toBe('up');
  const { causes } = await health.readiness();
  const codes = causes.map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(['reader-waiting', 'overrun']));
});

it('transports without a module are watched too', async () => {
  const strategy = new StreamsTransport({ slots: { messageSource: memory() }, group: 'bare' });
  const health = StreamsHealth.of([strategy], { ignore: MACHINE });
  strategy.addHandler('orders', async () => undefined, true);
  expect((await health.readiness()).status).toBe('down');
  await new Promise((resolve) => strategy.listen(resolve));
  await until('it is ready', async () => (await health.readiness()).status === 'up');
  expect(await health.readiness()).toEqual<HealthReport>({ status: 'up', causes: [] });
  await strategy.close();
  expect(await health.readiness()).toMatchObject({ causes: [{ code: 'stopping' }] });
});

describe('several transports without a module', () => {
  const named = (name?: string) =>
    new StreamsTransport({
      slots: { messageSource: memory() },
      group: 'bare',
      ...(name && { name }),
    });

  it('are watched until the last one is closed', async () => {
    const [a, b] = [named('a'), named('b')];
    const health = StreamsHealth.of([a, b], { ignore: MACHINE });
    onTestFinished(() => b.close());
    await a.close();
    const told = await health.readiness();
    expect(told.causes).toMatchObject([
      { transport: 'a', code: 'stopping' },
      { transport: 'b', code: 'not-started' },
    ]);
    // Still hears that the process is to end.
    const listeners = process.listenerCount('SIGTERM');
    await b.close();
    expect(process.listenerCount('SIGTERM')).toBe(listeners - 1);
  });

  it('hear each SIGTERM, also where their health begins after an earlier one', async () => {
    // With a listener of the application, the signal does not end the process.
    const other = (): void => undefined;
    process.on('SIGTERM', other);
    onTestFinished(() => void process.off('SIGTERM', other));
    const transports = [named('a'), named('b')];
    onTestFinished(async () => void (await Promise.all(transports.map((one) => one.close()))));
    const codes: unknown[] = [];
    for (const transport of transports) {
      const health = StreamsHealth.of([transport], { ignore: MACHINE });
      process.emit('SIGTERM');
      codes.push((await health.readiness()).causes.map(({ code }) => code));
    }
    expect(codes).toEqual([['stopping'], ['stopping']]);
  });

  it('need names of their own', () => {
    expect(() => StreamsHealth.of([named(), named()])).toThrow(
      'several transports whose health is watched have the name "default"',
    );
  });

  it('are those of this library', () => {
    const foreign = {} as StreamsTransport;
    expect(() => StreamsHealth.of([foreign])).toThrow(InvalidOptionsError);
  });
});

it.each([
  [{ readerDeadline: 0 }, 'readerDeadline'],
  [{ prot: 1 }, 'prot'],
  [{ names: [] }, 'names'],
])('refuses %o', async (options, word) => {
  const wrong = async () => {
    const health = StreamsHealthModule.forRoot(options as StreamsHealthModuleOptions);
    const module = appModule({ imports: [streams(), health] });
    await NestFactory.createApplicationContext(module, { logger: false, abortOnError: false });
  };
  const error: unknown = await wrong().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(InvalidOptionsError);
  expect((error as Error).message).toContain(word);
});
