import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Controller } from '@nestjs/common';
import { StreamHandler, UnrecoverableError } from 'nestjs-redis-streams';
import { StreamsMetricsModule } from 'nestjs-redis-streams/metrics';
import { describe, expect, it } from 'vitest';
import { METRICS, prometheusName } from '../../lib/observability/metrics/catalog.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { startApp } from '../support/nest-app.js';
import { missingPrometheus, Prometheus } from '../support/prometheus.js';
import { until } from '../support/until.js';

const RULES = fileURLToPath(new URL('../../monitoring/alerts.yml', import.meta.url));
const DASHBOARD = new URL('../../monitoring/dashboard.json', import.meta.url);

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets: readonly { readonly expr: string }[];
  }[];
}

const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
const alerts = readFileSync(RULES, 'utf8');
const missing = missingPrometheus();

@Controller()
class OrderController {
  @StreamHandler('order.process')
  process(): void {}

  @StreamHandler('order.refund')
  refund(): void {
    throw new UnrecoverableError('no such order');
  }
}

/** An application on the memory driver in which everything has happened that a metric counts. */
async function eventful() {
  const { app, kit, publish } = await startApp({
    imports: [StreamsMetricsModule.forRoot({ port: 0, host: '127.0.0.1', interval: 1000 })],
    controllers: [OrderController],
    options: { group: 'orders' },
  });
  await publish('order.process', {});
  await publish('order.refund', {});
  await kit.advance(1000);
  const { events } = app.get(StreamsRuntime);
  const where = { stream: 'order.process', group: 'orders' };
  const run = { ...where, handler: 'OrderController.process', id: '1-0', attempt: 1 };
  const delivered = { ...where, id: '1-0', consumer: 'c', attempt: 1, publishedAt: 0 };
  // What takes faults of a server, or minutes, is raised here.
  const sent = { stream: 'order.process', id: '1-0', eventType: 'order.process', messages: 1 };
  // The time of the test kit stands still: runs take none.
  const settled = {
    ...run,
    consumer: 'c',
    eventType: 'x',
    duration: 3,
    publishedAt: 0,
    wait: 5,
    handlerTime: 2_000,
    messages: 1,
  };
  const publication = { ...sent, by: 'producer', delayed: false, duration: 1 } as const;
  const repeat = () => {
    events.emit('published', publication);
    events.emit('published', { ...publication, error: new Error('refused') });
    events.emit('delivered', delivered);
    events.emit('settled', { ...settled, outcome: 'handled' });
    events.emit('overrun', {
      ...run,
      reason: 'timeout' as never,
      slotGivenBack: false,
      consumer: 'c',
      eventType: 'order.process',
      messages: 1,
      runningFor: 1,
    });
    events.emit('reclaimed', { ...where, count: 1 });
    events.emit('worker-error', { worker: 'reader', error: new Error('away') });
  };
  repeat();
  events.emit('messages-lost', { ...where, count: 2, why: 'deleted' });
  events.emit('data-loss-suspected', { ...where, after: '1-0', upTo: '2-0' });
  events.emit('reading-paused', { group: 'orders', parked: 1 });
  events.emit('reading-resumed', { group: 'orders' });
  events.emit('started', { consumers: [] });
  events.emit('ready', { after: 1 });
  await kit.idle();
  return { target: `127.0.0.1:${app.get(StreamsMetricsModule).port!}`, repeat };
}

it('dashboard and alerts name metrics of the library, and no others', () => {
  const known = new Set<string>(
    Object.values(METRICS).flatMap((metric) => {
      const name = prometheusName(metric);
      return metric.kind === 'histogram' ? [`${name}_bucket`, `${name}_count`] : [name];
    }),
  );
  const queries = [
    ...dashboard.panels.flatMap(({ targets }) => targets.map((one) => one.expr)),
    alerts,
  ];
  const labels = new Set<string>(
    Object.values(METRICS).flatMap((one) =>
      one.attributes.map((name) => name.replaceAll('.', '_')),
    ),
  );
  const named = queries.flatMap(
    (query) => query.match(/\b(?:messaging|nestjs_redis_streams)_\w+/g) ?? [],
  );
  expect(
    named.filter((name) => !known.has(name) && !labels.has(name) && !name.endsWith('_')),
  ).toEqual([]);
});

describe.skipIf(missing)('with a real Prometheus', { meta: { notRun: missing } }, () => {
  it('promtool finds nothing wrong with the alerts', () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'rules', RULES], {
      encoding: 'utf8',
    });
    expect(status, stdout + stderr).toBe(0);
    expect(stdout).toContain('15 rules found');
  });

  it('each query of the dashboard has data, and alerts fire', { timeout: 60_000 }, async () => {
    const { target, repeat } = await eventful();
    const prometheus = await Prometheus.started({ target, rules: RULES });
    const empty = async (): Promise<string[]> => {
      repeat();
      const all = dashboard.panels.flatMap(({ title, targets }) =>
        targets.map(async ({ expr }) => {
          const rows = await prometheus.query(expr.replaceAll('$__rate_interval', '1m'));
          return rows.length > 0 ? [] : [title];
        }),
      );
      return (await Promise.all(all)).flat();
    };
    let last: string[] = [];
    await until(
      'each query has data',
      async () => (last = await empty()).length === 0,
      40_000,
      () => last.join(', '),
    );
    const expected = [
      'StreamsDataLossSuspected',
      'StreamsMessagesGivenUp',
      'StreamsMessagesLost',
      'StreamsPublicationsRefused',
      'StreamsRunsOverrun',
    ];
    let firing: string[] = [];
    await until(
      'alerts fire',
      async () => (firing = await prometheus.firing()).length >= expected.length,
      40_000,
      () => firing.join(', '),
    );
    expect(firing).toEqual(expected);
  });
});
