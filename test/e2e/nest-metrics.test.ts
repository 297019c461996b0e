import { Controller, Get, Inject, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import {
  StreamHandler,
  StreamsModule,
  StreamsTransport,
  UnrecoverableError,
} from 'nestjs-redis-streams';
import { StreamsTestKit } from 'nestjs-redis-streams/memory';
import { StreamsMetrics, StreamsMetricsModule } from 'nestjs-redis-streams/metrics';
import { Counter, Registry, register } from 'prom-client';
import { describe, expect, it, onTestFinished } from 'vitest';
import { appModule, startApp } from '../support/nest-app.js';

@Controller()
class OrderController {
  @StreamHandler('order.process')
  process(): void {}

  @StreamHandler('order.refund')
  refund(): void {
    throw new UnrecoverableError('no such order');
  }
}

/** A hybrid application on the memory driver, listening on a free port. */
async function hybrid(imports: ModuleMetadata['imports'], controllers: Type[] = []) {
  const kit = new StreamsTestKit();
  const streams = StreamsModule.forRoot({ slots: kit.slots, group: 'orders' });
  const module = appModule({
    imports: [...imports!, streams],
    controllers: [OrderController, ...controllers],
  });
  const app = await NestFactory.create<NestExpressApplication>(module, { logger: ['error'] });
  onTestFinished(() => app.close());
  app.connectMicroservice({ strategy: app.get(StreamsTransport) });
  await app.startAllMicroservices();
  await app.listen(0, '127.0.0.1');
  const url = await app.getUrl();
  return { app, kit, url };
}

async function read(url: string): Promise<string> {
  const response = await fetch(url);
  expect(response.status, url).toBe(200);
  return response.text();
}

/** The value of a series. Undefined: there is none. */
function valueOf(page: string, name: string, ...labels: string[]): number | undefined {
  const line = page
    .split('\n')
    .find(
      (one) =>
        (one.startsWith(`${name}{`) || one.startsWith(`${name} `)) &&
        labels.every((label) => one.includes(label)),
    );
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(' ') + 1));
}

const HANDLED = [
  'nestjs_redis_streams_settled_messages_total',
  'messaging_destination_name="order.process"',
  'messaging_consumer_group_name="orders"',
  'nestjs_redis_streams_handler="OrderController.process"',
  'nestjs_redis_streams_outcome="handled"',
] as const;

describe('in an HTTP application', () => {
  it('the page at /metrics has what was handled and given up, and what is stored', async () => {
    const { kit, url } = await hybrid([StreamsMetricsModule.forRoot({ interval: 1000 })]);
    await kit.publish('order.process', {});
    await kit.publish('order.process', {});
    await kit.publish('order.refund', {});
    await kit.idle();
    await kit.advance(1000);
    await kit.idle();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const page = await response.text();
    expect(valueOf(page, ...HANDLED)).toBe(2);
    const reason = 'nestjs_redis_streams_reason="unrecoverable"';
    expect(valueOf(page, 'nestjs_redis_streams_given_up_messages_total', reason)).toBe(1);
    const refund = 'messaging_destination_name="order.refund"';
    expect(valueOf(page, 'nestjs_redis_streams_dead_letters_messages', refund)).toBe(1);
    expect(valueOf(page, 'nestjs_redis_streams_stream_length', refund)).toBe(1);
    expect(valueOf(page, 'nestjs_redis_streams_group_lag', refund)).toBe(0);
  });

  it('is where `path` says, and nowhere with `controller: false`', async () => {
    const { url } = await hybrid([StreamsMetricsModule.forRoot({ path: 'internal/numbers' })]);
    expect(await read(`${url}/internal/numbers`)).toContain('# TYPE');
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    const other = await hybrid([StreamsMetricsModule.forRoot({ controller: false })]);
    expect((await fetch(`${other.url}/metrics`)).status).toBe(404);
  });

  it('a controller of the application can serve the page, from options of a factory', async () => {
    @Controller('mine')
    class PageController {
      constructor(@Inject(StreamsMetrics) private readonly metrics: StreamsMetrics) {}

      @Get()
      page(): Promise<string> {
        return this.metrics.page();
      }
    }
    const module = StreamsMetricsModule.forRootAsync({
      controller: false,
      useFactory: async () => ({ maxSeries: 10 }),
    });
    const { kit, url } = await hybrid([module], [PageController]);
    await kit.publish('order.process', {});
    await kit.idle();
    expect(valueOf(await read(`${url}/mine`), ...HANDLED)).toBe(1);
  });
});

describe('with prom-client', () => {
  it('the metrics are in the registry of the application, beside its own', async () => {
    const registry = new Registry();
    new Counter({ name: 'own_total', help: 'own', registers: [registry] }).inc(3);
    const { app, kit } = await hybrid([StreamsMetricsModule.forRoot({ registry })]);
    await kit.publish('order.process', {});
    await kit.idle();
    const page = await registry.metrics();
    expect(valueOf(page, ...HANDLED)).toBe(1);
    expect(valueOf(page, 'own_total')).toBe(3);
    await app.close();
    expect(await registry.metrics()).not.toContain('nestjs_redis_streams');
  });

  it('a module that is loaded again replaces what it has registered, and nothing else', async () => {
    const registry = new Registry();
    await hybrid([StreamsMetricsModule.forRoot({ registry })]);
    const { kit } = await hybrid([StreamsMetricsModule.forRoot({ registry })]);
    await kit.publish('order.process', {});
    await kit.idle();
    expect(valueOf(await registry.metrics(), ...HANDLED)).toBe(1);
    const taken = new Registry();
    const counter = new Counter({ name: HANDLED[0], help: 'taken', registers: [taken] });
    await expect(hybrid([StreamsMetricsModule.forRoot({ registry: taken })])).rejects.toThrow(
      'has already been registered',
    );
    expect(taken.getSingleMetric(HANDLED[0])).toBe(counter);
  });

  it('the page of OpenMetrics and JSON have the same numbers', async () => {
    const registry = new Registry();
    registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
    const { kit } = await hybrid([StreamsMetricsModule.forRoot({ registry })]);
    await kit.publish('order.process', {});
    await kit.idle();
    for (const page of [await registry.metrics(), await registry.metrics()]) {
      expect(valueOf(page, ...HANDLED)).toBe(1);
      expect(page).toContain('# TYPE nestjs_redis_streams_settled_messages counter');
      expect(page.trimEnd().endsWith('# EOF')).toBe(true);
    }
  });

  it('@willsoto/nestjs-prometheus serves them with its own page', async () => {
    onTestFinished(() => register.clear());
    const { kit, url } = await hybrid([
      PrometheusModule.register(),
      StreamsMetricsModule.forRoot({ registry: register }),
    ]);
    await kit.publish('order.process', {});
    await kit.idle();
    const page = await read(`${url}/metrics`);
    expect(valueOf(page, ...HANDLED)).toBe(1);
    expect(page).toContain('process_cpu_user_seconds_total');
  });
});

describe('in a microservice without HTTP', () => {
  it('the page has a port of its own until the application is closed', async () => {
    const { app, publish } = await startApp({
      imports: [StreamsMetricsModule.forRoot({ port: 0, host: '127.0.0.1' })],
      controllers: [OrderController],
      options: { group: 'orders' },
    });
    const port = app.get(StreamsMetricsModule).port!;
    await publish('order.process', {});
    expect(valueOf(await read(`http://127.0.0.1:${port}/metrics`), ...HANDLED)).toBe(1);
    expect((await fetch(`http://127.0.0.1:${port}/other`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/metrics`, { method: 'POST' })).status).toBe(405);
    await app.close();
    await expect(fetch(`http://127.0.0.1:${port}/metrics`)).rejects.toThrow();
  });

  it('a port that is taken is an error that names it', async () => {
    const first = await startApp({
      imports: [StreamsMetricsModule.forRoot({ port: 0, host: '127.0.0.1' })],
      controllers: [OrderController],
    });
    const { port } = first.app.get(StreamsMetricsModule);
    const second = startApp({
      imports: [StreamsMetricsModule.forRoot({ port: port!, host: '127.0.0.1' })],
      controllers: [OrderController],
    });
    await expect(second).rejects.toThrow(`port ${port} of StreamsMetricsModule cannot be`);
  });
});

it('OpenTelemetry exports the same numbers', async () => {
  const { app, publish } = await startApp({
    imports: [StreamsMetricsModule.forRoot({ controller: false })],
    controllers: [OrderController],
    options: { group: 'orders' },
  });
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({
    exporter,
    metricProducers: [app.get(StreamsMetrics).producer()],
  });
  const provider = new MeterProvider({ readers: [reader] });
  onTestFinished(() => provider.shutdown());
  await publish('order.process', {});
  await provider.forceFlush();
  const [exported] = exporter.getMetrics();
  const metrics = exported!.scopeMetrics.flatMap((scope) => scope.metrics);
  const settled = metrics.find(
    ({ descriptor }) => descriptor.name === 'nestjs_redis_streams.settled.messages',
  );
  expect(settled?.dataPoints).toMatchObject([
    {
      attributes: {
        'messaging.destination.name': 'order.process',
        'messaging.consumer.group.name': 'orders',
        'nestjs_redis_streams.handler': 'OrderController.process',
        'nestjs_redis_streams.outcome': 'handled',
      },
      value: 1,
    },
  ]);
});

it.each([
  [{ port: -1 }, /port must be/],
  [{ registry: {} }, /registry must be a Registry of prom-client/],
  [{ maxSeries: 0 }, /maxSeries must be/],
  [{ names: [] }, /names must be/],
  [{ prot: 9464 }, /prot/],
])('%j is refused', async (options, message) => {
  const start = async () =>
    startApp({
      imports: [StreamsMetricsModule.forRoot(options as never)],
      controllers: [OrderController],
    });
  await expect(start()).rejects.toThrow(message);
});
