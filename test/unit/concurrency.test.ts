import { describe, expect, it } from 'vitest';
import { Dispatcher } from '../../lib/consuming/running/dispatcher.js';
import { ReadAhead } from '../../lib/consuming/reading/read-ahead.js';
import { Slots } from '../../lib/consuming/plan/slots.js';
import { Delivery } from '../../lib/core/delivery.js';
import type { Lease } from '../../lib/core/lease.js';

const delivery = (id: string) => new Delivery({ id, stream: 's' } as Lease, 'g', 'c');
const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

function dispatcher(limit: number, shared: Slots, suspectLane = new Slots(1)) {
  const started: string[] = [];
  const finish = new Map<string, () => void>();
  const it = new Dispatcher({
    limit,
    shared,
    suspectLane,
    run: (d) => {
      started.push(d.id);
      finish.set(d.id, () => it.ended(d));
    },
    onFreed: () => undefined,
  });
  const add = (suspect: boolean, ...ids: string[]) => {
    for (const id of ids) it.add(Object.assign(delivery(id), { suspect }));
    it.pump();
  };
  const end = async (id: string) => {
    finish.get(id)!();
    await settle();
  };
  return { it, started, add, end };
}

describe('slots', () => {
  it('are handed on in turn', async () => {
    const slots = new Slots(1);
    const order: string[] = [];
    await slots.take();
    const waiting = ['a', 'b'].map((name) => slots.take().then(() => order.push(name)));
    slots.release();
    await waiting[0];
    slots.release();
    await waiting[1];
    expect(order).toEqual(['a', 'b']);
    expect(slots.free).toBe(0);
  });
});

describe('the dispatcher', () => {
  it('runs no more than its limit, and refills slots one by one', async () => {
    const d = dispatcher(2, new Slots(10));
    d.add(false, 'a', 'b', 'c', 'd');
    expect(d.started).toEqual(['a', 'b']);
    expect(d.it.capacity).toBe(-2);
    await d.end('b');
    expect(d.started).toEqual(['a', 'b', 'c']);
  });

  it('shares the bound of the transport fairly', async () => {
    const shared = new Slots(2);
    const a = dispatcher(2, shared);
    const b = dispatcher(2, shared);
    a.add(false, 'a1', 'a2', 'a3', 'a4');
    b.add(false, 'b1', 'b2');
    await a.end('a1');
    await a.end('a2');
    expect([...a.started, ...b.started].length).toBe(4);
    expect(b.started.length).toBeGreaterThan(0);
  });

  it('runs suspects one at a time, also between consumers, beside the others', async () => {
    const lane = new Slots(1);
    const shared = new Slots(10);
    const a = dispatcher(5, shared, lane);
    const b = dispatcher(5, shared, lane);
    a.add(true, 's1', 's2');
    b.add(true, 's3');
    a.add(false, 'x');
    expect([a.started, b.started]).toEqual([['s1', 'x'], []]);
    await a.end('s1');
    expect([a.started, b.started]).toEqual([['s1', 'x'], ['s3']]);
    await b.end('s3');
    expect(a.started).toEqual(['s1', 'x', 's2']);
  });

  it('has room for others while suspects wait for each other', () => {
    const d = dispatcher(5, new Slots(10));
    d.add(true, 's1', 's2', 's3', 's4', 's5', 's6');
    expect(d.it.suspects.length).toBe(5);
    expect(d.it.capacity).toBe(3);
  });

  it('starts nothing after stop, and passes its turn on', async () => {
    const shared = new Slots(1);
    const a = dispatcher(5, shared);
    const b = dispatcher(5, shared);
    a.add(false, 'a1', 'a2');
    b.add(false, 'b1');
    expect(a.it.stop().map((d) => d.id)).toEqual(['a2']);
    await a.end('a1');
    expect(b.started).toEqual(['b1']);
    await a.it.idle();
  });
});

describe('the read-ahead', () => {
  it('grows with the rate and stays nothing for slow handlers', () => {
    let now = 0;
    const runs = { freed: 0 };
    const clock = {
      now: () => now,
      wallTime: () => 0,
      setTimeout: () => 0,
      clearTimeout: () => undefined,
    };
    const readAhead = new ReadAhead(500, clock, runs);
    for (let i = 0; i < 100; i++) runs.freed++;
    now = 10;
    readAhead.update();
    expect(readAhead.size).toBe(250);
    for (let i = 0; i < 10_000; i++) runs.freed++;
    now = 20;
    readAhead.update();
    expect(readAhead.size).toBe(500);
    for (let step = 0; step < 12; step++) {
      now += 1000;
      runs.freed++;
      readAhead.update();
    }
    expect(readAhead.size).toBe(0);
  });
});
