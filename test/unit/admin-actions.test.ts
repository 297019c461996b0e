import { Controller } from '@nestjs/common';
import { StreamHandler } from 'nestjs-redis-streams';
import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { StreamsEvents } from '../../lib/core/events.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { AdminReport } from '../../lib/core/admin-report.js';
import { ConsumerGroupManager } from '../../lib/admin/groups/consumer-groups.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { startApp } from '../support/nest-app.js';

@Controller()
class Orders {
  @StreamHandler(['orders', 'bills'])
  handle(): void {}
}

type Told = StreamsEvents['administered'];

it('a stream that cannot be paused is told of, and all others are paused', async () => {
  const { app, kit, publish } = await startApp({ controllers: [Orders] });
  const runtime = app.get(StreamsRuntime);
  const [orders, bills] = runtime.consumers.find(['orders', 'bills']);
  const told: Told[] = [];
  runtime.events.on('administered', (event) => told.push(event));
  const error = new Error('no right to read');
  const failing = { ...orders!, started: Promise.reject(error) };
  const late = { ...bills!, started: setImmediate() };
  await expect(runtime.consumers.pause([failing, late])).rejects.toBe(error);
  const group = 'test';
  expect(told).toHaveLength(2);
  expect(told).toContainEqual({ action: 'reading.pause', stream: 'orders', group, error });
  expect(told).toContainEqual({ action: 'reading.pause', stream: 'bills', group, count: 1 });
  for (const stream of ['bills', 'orders']) await publish(stream, {});
  expect(kit.settled.map(({ stream }) => stream)).toEqual(['orders']);
});

it('an action that the server cannot do is told of, too', async () => {
  const events = new EventBus();
  const told: Told[] = [];
  events.on('administered', (event) => told.push(event));
  const groups = new ConsumerGroupManager(
    {} as never,
    {} as never,
    {} as never,
    {} as never,
    'nats',
    new AdminReport(events, 'alice'),
  );
  const at = new Date(5);
  await expect(groups.removeConsumer('orders', 'shop', 'me')).rejects.toThrow('nats');
  await expect(groups.setPosition('orders', 'shop', at)).rejects.toThrow('nats');
  const where = { stream: 'orders', group: 'shop', by: 'alice' };
  const error = expect.objectContaining({ code: 'UNSUPPORTED_FEATURE' });
  expect(told).toEqual([
    { ...where, action: 'groups.remove-consumer', details: { consumer: 'me' }, error },
    { ...where, action: 'groups.set-position', details: { position: at }, error },
  ]);
});
