import { describe, expect, test } from 'vitest';
import { sleep } from '../../lib/core/clock.js';
import { ManualClock } from '../../lib/drivers/memory/index.js';

describe('ManualClock', () => {
  test('starts at a fixed time, or at a given one', () => {
    expect(new ManualClock().wallTime()).toBe(new ManualClock().wallTime());
    expect(new ManualClock(42).wallTime()).toBe(42);
    const start = new Date('2030-01-01T00:00:00Z');
    expect(new ManualClock(start).wallTime()).toBe(Number(start));
  });

  test('counts from the start of a process, on any date', () => {
    expect(new ManualClock().now()).toBe(1000);
    expect(new ManualClock(42).now()).toBe(1000);
  });

  test('stands still by itself', async () => {
    const clock = new ManualClock(0);
    const ran: string[] = [];
    clock.setTimeout(() => ran.push('now'), 0);
    await new Promise((resolve) => setImmediate(resolve));
    expect(clock.wallTime()).toBe(0);
    expect(ran).toEqual([]);
  });

  test('runs timers in the order in which they are due, each at its time', async () => {
    const clock = new ManualClock(1000);
    const ran: [string, number][] = [];
    const note = (name: string) => () => void ran.push([name, clock.wallTime()]);
    clock.setTimeout(note('c'), 30);
    clock.setTimeout(note('a'), 10);
    clock.setTimeout(note('b1'), 20);
    clock.setTimeout(note('b2'), 20);
    clock.setTimeout(note('later'), 31);
    clock.setTimeout(note('past'), -5);
    await clock.advance(30);
    expect(ran).toEqual([
      ['past', 1000],
      ['a', 1010],
      ['b1', 1020],
      ['b2', 1020],
      ['c', 1030],
    ]);
    expect(clock.wallTime()).toBe(1030);
    await clock.advance(1);
    expect(ran.at(-1)).toEqual(['later', 1031]);
  });

  test('does not run what was cleared', async () => {
    const clock = new ManualClock();
    const ran: string[] = [];
    const first = clock.setTimeout(() => ran.push('first'), 10);
    const second = clock.setTimeout(() => ran.push('second'), 20);
    clock.setTimeout(() => clock.clearTimeout(second), 15);
    clock.clearTimeout(first);
    clock.clearTimeout(first);
    clock.clearTimeout(undefined);
    await clock.advance(100);
    expect(ran).toEqual([]);
  });

  test('runs timers that timers set, at their own time', async () => {
    const clock = new ManualClock(0);
    const times: number[] = [];
    const tick = () => {
      times.push(clock.wallTime());
      clock.setTimeout(tick, 10);
    };
    clock.setTimeout(tick, 10);
    await clock.advance(45);
    expect(times).toEqual([10, 20, 30, 40]);
  });

  test('lets what a timer started happen before the next one', async () => {
    const clock = new ManualClock(0);
    const happened: string[] = [];
    void (async () => {
      await sleep(clock, 10);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.resolve();
      happened.push(`first at ${clock.wallTime()}`);
      await sleep(clock, 5);
      happened.push(`second at ${clock.wallTime()}`);
    })();
    clock.setTimeout(() => happened.push('other at 12'), 12);
    await clock.advance(20);
    expect(happened).toEqual(['first at 10', 'other at 12', 'second at 15']);
  });

  test('counts timers that what is already under way is about to set', async () => {
    const clock = new ManualClock(0);
    const ran: number[] = [];
    setImmediate(() => clock.setTimeout(() => ran.push(clock.wallTime()), 5));
    await clock.advance(5);
    expect(ran).toEqual([5]);
  });

  test('has let everything happen when it is there', async () => {
    const clock = new ManualClock(0);
    let done = false;
    const finish = () => void Promise.resolve().then(() => (done = true));
    clock.setTimeout(() => setImmediate(finish), 5);
    await clock.advance(5);
    expect(done).toBe(true);
  });

  test('advances one after the other where it is told twice', async () => {
    const clock = new ManualClock(0);
    const times: number[] = [];
    for (const due of [5, 15]) clock.setTimeout(() => times.push(clock.wallTime()), due);
    await Promise.all([clock.advance(10), clock.advance(10)]);
    expect(times).toEqual([5, 15]);
    expect(clock.wallTime()).toBe(20);
  });

  test('rejects with what a timer throws, and goes on afterwards', async () => {
    const clock = new ManualClock(0);
    clock.setTimeout(() => {
      throw new Error('thrown');
    }, 5);
    await expect(clock.advance(10)).rejects.toThrow('thrown');
    expect(clock.wallTime()).toBe(5);
    await clock.advance(10);
    expect(clock.wallTime()).toBe(15);
  });

  test('passes a day of many timers within the time of a test', async () => {
    const clock = new ManualClock();
    let ticks = 0;
    const tick = () => {
      ticks++;
      clock.setTimeout(tick, 5000);
    };
    clock.setTimeout(tick, 5000);
    await clock.advance(86_400_000);
    expect(ticks).toBe(17_280);
  });
});
