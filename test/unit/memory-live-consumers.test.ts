import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EventBus } from '../../lib/core/event-bus.js';
import type { Announcement } from '../../lib/ports/live-consumers.js';
import type { Lease } from '../../lib/core/lease.js';
import type { Driver } from '../../lib/ports/driver.js';
import { ManualClock, memory } from '../../lib/drivers/memory/index.js';

const process_ = { host: hostname(), pid: process.pid, application: 'a', version: '0' };
const options = { idleTimeout: 1000, maxDeliveries: 5, ordered: false };

describe('live consumers in memory', () => {
  let clock: ManualClock;
  let driver: Driver;

  beforeEach(() => {
    clock = new ManualClock();
    driver = memory({ clock }).open({ events: new EventBus(), keyPrefix: '' });
  });
  afterEach(() => driver.source.close());

  const announcement = (consumer: string, events: string[], of: Partial<Announcement> = {}) => ({
    group: 'g',
    consumer,
    instance: Math.random().toString(),
    process: process_,
    streams: [{ stream: 's', events, options }],
    timeToLive: 1000,
    ...of,
  });
  const join = (...args: Parameters<typeof announcement>) =>
    driver.live!.join(announcement(...args));
  const subscribe = (consumer: string) =>
    driver.source.subscribe({
      streams: ['s'],
      group: 'g',
      consumer,
      startId: '0',
      blockTimeout: 1000,
      idleTimeout: 1000,
      reclaimInterval: 500,
    });
  const members = async () => (await driver.live!.members('s', 'g')).consumers;
  const receiver = async (consumer: string) =>
    (await members()).find((member) => member.consumer === consumer)!;
  const publish = (count: number) =>
    driver.source.publish(
      Array.from({ length: count }, () => ({ stream: 's', fields: ['e', ''] })),
    );

  it('gives the later of two a name of its own, and a name back once its consumer has left', async () => {
    const first = await join('w', ['x']);
    const second = await join('w', ['y']);
    expect([first.consumer, second.consumer]).toEqual(['w', 'w~2']);
    expect(first.namesake).toBeUndefined();
    expect(second.namesake).toMatchObject({ consumer: 'w', events: ['x'], alive: true });
    await first.leave();
    expect((await join('w', ['x'])).consumer).toBe('w');
  });

  it('takes the name over of a process that is gone', async () => {
    await join('w', ['x'], { process: { ...process_, pid: 2 ** 30 } });
    expect((await join('w', ['x'])).consumer).toBe('w');
  });

  it('tells a consumer whose name was taken, and one that was announced anew', async () => {
    const first = await join('w', ['x']);
    expect(await first.refresh()).toBe('kept');
    await clock.advance(1000);
    expect(await receiver('w')).toMatchObject({ alive: false, goneFor: 0, age: 1000 });
    expect(await first.refresh()).toBe('announced');
    await clock.advance(1000);
    await join('w', ['y']);
    expect(await first.refresh()).toBe('taken');
    await first.leave();
    expect(await receiver('w')).toMatchObject({ alive: true, events: ['y'] });
  });

  it('hands entries over uncharged, so many as may wait, and only to a consumer that takes them', async () => {
    const a = await join('a', ['x']);
    const b = await join('b', ['y*']);
    const [from, to] = [await subscribe('a'), await subscribe('b')];
    await publish(3);
    const leases = await from.pull(3);
    const hand = (lease: Lease, eventType: string) =>
      receiver('b').then((to) => a.handOver([{ lease, eventType }], to, 2));
    expect(await hand(leases[0]!, 'x')).toEqual(['refused']);
    expect(await hand(leases[0]!, 'yes')).toEqual(['handed']);
    expect(await hand(leases[0]!, 'yes')).toEqual(['lost']);
    expect(await hand(leases[1]!, 'y')).toEqual(['handed']);
    expect(await hand(leases[2]!, 'y')).toEqual(['full']);
    const got = await to.pull(5);
    expect(got.map(({ id, attempt, charged }) => [id, attempt, charged])).toEqual([
      [leases[0]!.id, 0, false],
      [leases[1]!.id, 0, false],
    ]);
    const state = (await receiver('b')).stream;
    await b.change([{ stream: state, events: ['y*'], options }], 'paused');
    expect(await hand(leases[2]!, 'y')).toEqual(['refused']);
  });

  it('keeps what waits for a live receiver from others, until that one leaves', async () => {
    const a = await join('a', ['x']);
    const b = await join('b', ['y']);
    const from = await subscribe('a');
    await publish(1);
    const [lease] = await from.pull(1);
    await a.handOver([{ lease: lease!, eventType: 'y' }], await receiver('b'), 10);
    from.forget(lease!);
    const waiting = from.pull(1);
    for (let beat = 0; beat < 10; beat++) {
      await clock.advance(500);
      await b.refresh();
    }
    expect(await waiting).toEqual([]);
    await b.leave();
    const again = from.pull(1);
    await clock.advance(500);
    expect(await again).toMatchObject([{ id: lease!.id, attempt: 0, charged: false }]);
  });
});
