import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { gate, World } from '../../support/engine.js';

let world: World;
beforeEach(() => void (world = new World()));
afterEach(() => world.close());

const times = { idleTimeout: 1000, reclaimInterval: 500, gracePeriod: 0 };

describe('ownership', () => {
  it('is kept by the heartbeat while a slow handler runs', async () => {
    const slow = gate();
    const runs: string[] = [];
    const invoke = (delivery: { consumer: string }) => {
      runs.push(delivery.consumer);
      return slow.promise;
    };
    const a = await world.start([{ events: ['x'], invoke }], { ...times, consumer: 'a' });
    await a.publish('x');
    await world.start([{ events: ['x'], invoke }], { ...times, consumer: 'b' });
    await world.clock.advance(20_000);
    expect(runs).toEqual(['a']);
    slow.open();
    await world.settle();
    expect(a.outcomes()).toEqual(['handled']);
  });

  it('ends at maxHold: another consumer runs it, and the hung run is suppressed', async () => {
    const hung = gate();
    const runs: string[] = [];
    const a = await world.start(
      [
        {
          events: ['x'],
          options: { maxHold: 3000 },
          invoke: ({ consumer }) => {
            runs.push(consumer);
            return hung.promise;
          },
        },
      ],
      { ...times, consumer: 'a' },
    );
    await a.publish('x');
    const b = await world.start(
      [{ events: ['x'], invoke: ({ consumer, attempt }) => void runs.push(consumer + attempt) }],
      { ...times, consumer: 'b' },
    );
    await world.clock.advance(2900);
    expect(runs).toEqual(['a']);
    await world.clock.advance(3000);
    expect(runs).toEqual(['a', 'b2']);
    expect(b.outcomes()).toEqual(['handled']);
    hung.fail(new Error('woke up late'));
    await world.settle();
    expect(a.outcomes()).toEqual(['lost']);
    expect((await a.runtime.admin.deadLetters.list('x')).items).toEqual([]);
  });

  it('of a parked retry is kept, too', async () => {
    const runs: string[] = [];
    const invoke = ({ consumer, attempt }: { consumer: string; attempt: number }) => {
      runs.push(consumer + attempt);
      if (attempt === 1) throw new Error('no');
    };
    const options = { ...times, backoff: { delay: 8000, jitter: 0 } };
    const a = await world.start([{ events: ['x'], invoke }], { ...options, consumer: 'a' });
    await a.publish('x');
    await world.start([{ events: ['x'], invoke }], { ...options, consumer: 'b' });
    await world.clock.advance(9000);
    expect(runs).toEqual(['a1', 'a2']);
  });

  it('lost in the middle of a run aborts its signal and keeps it from settling', async () => {
    const stuck = gate();
    let signal: AbortSignal | undefined;
    const a = await world.start(
      [
        {
          events: ['x'],
          invoke: (delivery) => {
            signal = delivery.signal;
            return stuck.promise;
          },
        },
      ],
      { ...times, consumer: 'a' },
    );
    await a.publish('x');
    const thief = await world.runtime(times).driver.source.subscribe({
      ...times,
      streams: ['x'],
      group: 'g',
      consumer: 'thief',
      startId: '0',
      blockTimeout: 100,
      idleTimeout: 1,
      reclaimInterval: 1,
    });
    const stolen = thief.pull(1);
    await world.clock.advance(200);
    expect(await stolen).toHaveLength(1);
    await world.clock.advance(1000);
    expect(signal!.reason).toMatchObject({ code: 'OWNERSHIP_LOST' });
    stuck.open();
    await world.settle();
    expect(a.outcomes()).toEqual(['lost']);
    await thief.close();
  });
});

describe('an entry whose every run ended with its process', () => {
  it('is dead-lettered unrun, with its own reason', async () => {
    const hold = { ...times, startId: '0', blockTimeout: 100, streams: ['x'], group: 'g' };
    const runtime = world.runtime({ ...times, consumer: 'dead' });
    await runtime.producer.publish({ eventType: 'x', payload: 1 });
    const dead = await runtime.driver.source.subscribe({ ...hold, consumer: 'dead' });
    const [lease] = await dead.pull(1);
    for (let run = 2; run <= 3; run++) {
      lease!.charged = false;
      await dead.begin(lease!);
    }
    await dead.close();
    const runs: number[] = [];
    const app = await world.start(
      [{ events: ['x'], invoke: ({ attempt }) => void runs.push(attempt) }],
      { ...times, maxDeliveries: 3 },
    );
    await world.clock.advance(2000);
    expect(runs).toEqual([]);
    expect((await app.runtime.admin.deadLetters.list('x')).items).toMatchObject([
      { reason: 'crashed', attempts: 3 },
    ]);
  });
});
