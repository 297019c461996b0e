import { afterEach, beforeEach, expect, it } from 'vitest';
import { Delivery, type BoundHandler } from '../../../lib/core/delivery.js';
import type { HeldStream } from '../../../lib/core/held-stream.js';
import type { Lease } from '../../../lib/core/lease.js';
import { type Settlement, ack, filtered } from '../../../lib/core/settlement.js';
import { HandlerTable } from '../../../lib/consuming/plan/handler-table.js';
import { FilteredTypes } from '../../../lib/consuming/plan/filtered-types.js';
import { HandOver } from '../../../lib/consuming/live-consumers/hand-over.js';
import { liveParts } from '../../../lib/consuming/live-consumers/live-parts.js';
import { Presence } from '../../../lib/consuming/live-consumers/presence.js';
import { EventBus } from '../../../lib/core/event-bus.js';
import { ManualClock, memory } from '../../../lib/drivers/memory/index.js';
import { standIn } from '../../support/stand-in.js';

let clock: ManualClock;
let presences: Presence[];
beforeEach(() => {
  clock = new ManualClock();
  presences = [];
});
afterEach(async () => void (await Promise.all(presences.map((presence) => presence.leave()))));

it('in a stream that a load balancer owns it waits for the next owner, and is told of once', async () => {
  const events = new EventBus();
  const { live, source } = memory({ clock }).open({ events, keyPrefix: '' });
  const parts = liveParts({ application: undefined }, live, events, clock)!;
  const common = { live: parts, clock, events, group: 'svc-group', idleTimeout: 1000 };
  /** All owners of streams of the service announce themselves under its name. */
  async function peer(consumer: string, eventType: string) {
    const table = new HandlerTable('svc', 'svc-group', undefined);
    table.add(eventType, { name: 'h', answers: false } as BoundHandler, true);
    const tables = new Map([['svc', table]]);
    const onRenamed = (): void => undefined;
    const presence = new Presence({ ...common, consumer, tables, maxDeliveries: 5, onRenamed });
    await presence.join();
    presences.push(presence);
    return { presence, tables: standIn<typeof tables>({ get: () => table }) };
  }
  const { presence, tables } = await peer('one', 'x');
  await peer('two', 'y');
  const told: string[] = [];
  events.on('unhandled-waits', ({ why, id }) => told.push(`${id} ${why}`));
  const settled: Settlement[] = [];
  const postponed: number[] = [];
  const handOver = new HandOver({
    ...common,
    presence,
    tables,
    maxParked: 10,
    filteredTypes: new FilteredTypes(events),
    subscription: { begin: async () => 'started' },
    ends: {
      settle: (_, settlement) => void settled.push(settlement),
      postpone: (_, delay) => void postponed.push(delay),
    },
    isHalted: () => false,
    onYield: undefined,
  });
  const lease = { stream: 'data-1', id: '1-0', owned: {} as HeldStream } as Lease;
  const delivery = new Delivery(lease, 'svc-group', 'one');
  delivery.unhandled = { otherwise: filtered, told: false };
  delivery.eventType = 'y';
  for (let look = 0; look < 3; look++) {
    handOver.add(delivery);
    await clock.advance(0);
  }
  expect([postponed.length, settled, told]).toEqual([3, [], ['1-0 owned']]);
  expect(await handOver.offer(delivery)).toBe('kept');
  delivery.eventType = 'z';
  handOver.add(delivery);
  await clock.advance(0);
  expect(settled).toEqual([{ ...ack, filtered: true }]);
  await source.close();
});
