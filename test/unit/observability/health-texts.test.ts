import { expect, it } from 'vitest';
import { EventBus } from '../../../lib/core/event-bus.js';
import { NO_TROUBLE } from '../../../lib/core/read-trouble.js';
import { ManualClock } from '../../../lib/drivers/memory/manual-clock.js';
import { HealthMonitor } from '../../../lib/observability/health/health-monitor.js';
import { HEALTH_OPTIONS } from '../../../lib/observability/health/health-options.js';
import { secretInUrl, wordOf } from '../../support/secrets.js';

it('texts of foreign errors show no password, and are cut', async () => {
  const events = new EventBus();
  const clock = new ManualClock();
  const url = `redis://u:${secretInUrl('user')}@host`;
  const error = new Error(`no way to ${url} ${'x'.repeat(2000)}`);
  const reader = {
    ...{ group: 'shop', consumer: 'me', streams: ['orders'], activity: 'failing' as const },
    ...{ since: clock.now(), hasRead: true, blockTimeout: 5, error, runs: 0, trouble: NO_TROUBLE },
  };
  const health = new HealthMonitor(
    {
      ...{ name: 'default', events, clock, groups: undefined, knowsConsumers: true },
      phase: () => 'reading',
      readers: { list: () => [reader] },
      overruns: { list: () => [] },
      groupsRead: () => [],
    },
    HEALTH_OPTIONS.complete({ readerDeadline: 1 }),
  );
  events.emit('disconnected', { role: 'reader', error });
  events.emit('delays-stuck', { stream: 'orders', error });
  events.emit('worker-error', { worker: 'settler', error });
  events.emit('consumer-failed', { ...reader, error });
  await clock.advance(1000);
  const { causes } = await health.readiness();
  expect(causes.map(({ code }) => code).sort()).toEqual([
    'consumer-ended',
    'delays',
    'disconnected',
    'reader-failing',
    'task-failing',
  ]);
  expect(health.liveness().causes).toHaveLength(1);
  for (const { message } of [...causes, ...health.liveness().causes]) {
    expect(message).toContain('redis://***@host');
    expect(message).not.toContain(wordOf('user'));
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
  }
});
