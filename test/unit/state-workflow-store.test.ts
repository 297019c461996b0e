import { expect, it } from 'vitest';
import { systemClock } from '../../lib/core/clock.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { ManualClock, memory, MemoryBroker } from '../../lib/drivers/memory/index.js';
import type { Arrival, FinishedStep } from '../../lib/ports/workflow-store.js';
import type { StateStore } from '../../lib/ports/state-store.js';
import { StateWorkflowStore } from '../../lib/workflows/state-store/state-workflow-store.js';

const TTL = 60_000;

/** What a test sees of a store, and does to it. */
interface Spy {
  calls: number;
  /** Characters that were read and written. */
  moved: number;
  largest: number;
  ttls: Map<string, number | undefined>;
  /** Called before, and after, each call: what it throws, the caller of the store gets. */
  before: (method: keyof StateStore, key: string) => Promise<void> | void;
  after: (method: keyof StateStore, key: string) => Promise<void> | void;
}

/** The state store of a memory driver, as a caller sees it. */
function spied(clock: ManualClock | typeof systemClock): { store: StateStore; spy: Spy } {
  const context = { events: new EventBus(), keyPrefix: '' };
  const state = memory({ broker: new MemoryBroker(clock), maxKeys: 1_000_000 }).open(
    context,
  ).state!;
  const spy: Spy = {
    calls: 0,
    moved: 0,
    largest: 0,
    ttls: new Map(),
    before: () => undefined,
    after: () => undefined,
  };
  const around = async <T>(
    method: keyof StateStore,
    key: string,
    texts: readonly (string | undefined)[],
    call: () => Promise<T>,
  ): Promise<T> => {
    spy.calls++;
    await spy.before(method, key);
    const answer = await call();
    for (const text of [...texts, answer]) {
      if (typeof text !== 'string') continue;
      spy.moved += text.length;
      spy.largest = Math.max(spy.largest, text.length);
    }
    await spy.after(method, key);
    return answer;
  };
  const store: StateStore = {
    get: (key) => around('get', key, [], () => state.get(key)),
    set: (key, value, ttl) => {
      spy.ttls.set(key, ttl);
      return around('set', key, [value], () => state.set(key, value, ttl));
    },
    setIfAbsent: (key, value, ttl) =>
      around('setIfAbsent', key, [value], () => state.setIfAbsent(key, value, ttl)),
    compareAndSet: (key, expected, value, ttl) => {
      spy.ttls.set(key, ttl);
      return around('compareAndSet', key, [expected, value], () =>
        state.compareAndSet(key, expected, value, ttl),
      );
    },
    delete: (key) => around('delete', key, [], () => state.delete(key)),
    exists: (key) => around('exists', key, [], () => state.exists(key)),
  };
  return { store, spy };
}

const arrival = (index: number, of: number, more: Partial<Arrival> = {}): Arrival => ({
  workflow: 'w',
  at: '0',
  index,
  of,
  token: `t${index}`,
  result: `r${index}`,
  ...more,
});

const step = (place: string, record = place): FinishedStep => ({
  workflow: 'w',
  step: place,
  run: 1,
  failed: false,
  record,
});

/** Numbers from 0 to 1, the same ones in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
}

/** Lets other callers go first, for a few turns of the event loop. */
async function dawdle(random: () => number): Promise<void> {
  for (let turns = Math.floor(random() * 4); turns > 0; turns--)
    await new Promise((resolve) => setImmediate(resolve));
}

/** Repeats what fails, as a settlement is repeated. */
async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch {
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

it.each([
  ['short', (index: number) => `r${index}`],
  ['long', (index: number) => `${index}`.padEnd(2000, 'x')],
])(
  '50 processes end the branches of one join at the same moment: one is last, with %s results',
  async (_, resultOf) => {
    const { store, spy } = spied(systemClock);
    const random = seeded(7);
    spy.before = spy.after = () => dawdle(random);
    const processes = Array.from({ length: 50 }, () => new StateWorkflowStore(store, systemClock));
    const answers = await Promise.all(
      processes.map((process, index) =>
        untilDone(() => process.arrive(arrival(index, 50, { result: resultOf(index) }), TTL)),
      ),
    );
    const last = answers.filter((answer) => answer !== undefined);
    expect(last).toEqual([processes.map((_, index) => resultOf(index))]);
  },
);

it('a store that fails before or after it has written loses no branch, and names one last', async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { store, spy } = spied(systemClock);
    const random = seeded(seed * 991);
    const refuse = () => {
      if (random() < 0.2) throw new Error('away');
    };
    spy.before = refuse;
    spy.after = async () => {
      await dawdle(random);
      refuse();
    };
    const OF = 12;
    const result = (index: number): string => `${index}`.padEnd(index % 2 ? 3 : 3000, '.');
    const processes = Array.from({ length: 4 }, () => new StateWorkflowStore(store, systemClock));
    const ends = Array.from({ length: OF }, (_, index) => async () => {
      const process = processes[index % 4]!;
      await untilDone(async () => {
        const [refused] = await process.record([step(`0.${index}.1`)], TTL);
        if (refused) throw refused;
      });
      return untilDone(() => process.arrive(arrival(index, OF, { result: result(index) }), TTL));
    });
    const answers = await Promise.all(ends.map((end) => end()));
    const wanted = ends.map((_, index) => result(index));
    expect(answers.filter((answer) => answer !== undefined)).toEqual([wanted]);
    const last = answers.findIndex((answer) => answer !== undefined);
    // A process that died before its settlement runs the message again, with the same answer.
    const again = () => processes[0]!.arrive(arrival(last, OF, { result: result(last) }), TTL);
    expect(await untilDone(again)).toEqual(wanted);
    const { steps } = (await untilDone(() => processes[1]!.read('w')))!;
    expect(steps.size).toBe(OF);
  }
});

it('other processes that are faster at every try are told of, and nothing was written', async () => {
  const { store, spy } = spied(systemClock);
  const process = new StateWorkflowStore(store, systemClock);
  await process.arrive(arrival(0, 3), TTL);
  const busy: StateStore = { ...store, compareAndSet: async () => false };
  const clock = new ManualClock();
  const starved = new StateWorkflowStore(busy, clock);
  const failing = starved.arrive(arrival(1, 3), TTL).catch((error: unknown) => error);
  const before = spy.calls;
  for (let turn = 0; turn < 60; turn++) await clock.advance(250);
  expect(await failing).toMatchObject({ code: 'STATE_CONTENDED' });
  expect(spy.calls - before).toBeLessThanOrEqual(50);
  expect(await process.arrive(arrival(2, 3), TTL)).toBeUndefined();
  expect(await process.arrive(arrival(1, 3), TTL)).toEqual(['r0', 'r1', 'r2']);
});

it.each([
  ['short', 8, 200],
  ['long', 1000, 2300],
])(
  'a fan-out of 1,000 with %s results: no value grows large, and writes are shared',
  async (_, length, calls) => {
    const clock = new ManualClock();
    const { store, spy } = spied(clock);
    const process = new StateWorkflowStore(store, clock);
    const results = Array.from({ length: 1000 }, (_, index) => `${index}`.padEnd(length, 'x'));
    let joined: readonly string[] | undefined;
    // As a consumer with concurrency 50 ends them.
    for (let first = 0; first < 1000; first += 50) {
      const some = results.slice(first, first + 50);
      const answers = await Promise.all(
        some.map((result, at) => process.arrive(arrival(first + at, 1000, { result }), TTL)),
      );
      await process.record(
        some.map((_, at) => step(`0.${first + at}.1`, 'x'.repeat(100))),
        TTL,
      );
      joined = answers.find((answer) => answer !== undefined);
    }
    expect(joined).toEqual(results);
    expect(spy.largest).toBeLessThan(40_000);
    expect(spy.calls).toBeLessThan(calls);
    console.log(
      `1,000 branches with results of ${length} characters: ${spy.calls} calls, ` +
        `${Math.round(spy.moved / 1024)} KiB moved, largest value ${spy.largest} characters`,
    );
    expect((await process.read('w'))!.steps.size).toBe(1000);
  },
);

it('what arrived long before the last branch is still there, however long branches take', async () => {
  const clock = new ManualClock();
  const { store } = spied(clock);
  const process = new StateWorkflowStore(store, clock);
  const OF = 20;
  const results = Array.from({ length: OF }, (_, index) => `${index}`.padEnd(2000, 'x'));
  await process.begin('w', 1, TTL);
  await process.cancel('w', TTL);
  for (let index = 0; index < OF - 1; index++) {
    expect(
      await process.arrive(arrival(index, OF, { result: results[index]! }), TTL),
    ).toBeUndefined();
    // Pages become full, and are written to no more.
    await process.record([step(`0.${index}.1`, 'y'.repeat(10_000))], TTL);
    await clock.advance(TTL * 0.9);
  }
  // Ten times as long as anything is kept. Then a step waits for a long time.
  await process.keep('w', 20 * TTL);
  await process.record([step('1', 'y'.repeat(40_000)), step('2', 'y'.repeat(40_000))], TTL);
  await clock.advance(19 * TTL);
  const { steps, cancelled } = (await process.read('w'))!;
  expect([steps.size, cancelled]).toEqual([OF + 1, true]);
  const last = arrival(OF - 1, OF, { result: results[OF - 1]! });
  expect(await process.arrive(last, TTL)).toEqual(results);
  await clock.advance(3 * TTL);
  expect(await process.read('w')).toBeUndefined();
  expect(await process.arrive(last, TTL)).toBeUndefined();
});

it('keeping for longer reaches what other processes write at the same moment', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const clock = new ManualClock();
    const { store, spy } = spied(clock);
    const random = seeded(seed * 17);
    spy.before = spy.after = () => dawdle(random);
    const [one, other] = [
      new StateWorkflowStore(store, clock),
      new StateWorkflowStore(store, clock),
    ];
    const long = 'x'.repeat(9000);
    await Promise.all([
      one.arrive(arrival(0, 2, { result: long }), TTL),
      one.record([step('0', 'y'.repeat(40_000)), step('1')], TTL),
      other.keep('w', 10 * TTL),
    ]);
    await clock.advance(9 * TTL);
    expect((await other.read('w'))!.steps.size).toBe(2);
    expect(await other.arrive(arrival(1, 2, { result: long }), TTL)).toEqual([long, long]);
  }
});

it('a process that keeps workflows for less time shortens no life', async () => {
  const clock = new ManualClock();
  const { store } = spied(clock);
  const process = new StateWorkflowStore(store, clock);
  await process.begin('w', 1, 10 * TTL);
  await process.cancel('w', TTL);
  await clock.advance(9 * TTL);
  expect(await process.areCancelled(['w'])).toEqual([true]);
});

it('keeping for hardly longer than before costs one question', async () => {
  const clock = new ManualClock();
  const { store, spy } = spied(clock);
  const process = new StateWorkflowStore(store, clock);
  await process.keep('w', 10 * TTL);
  spy.calls = 0;
  for (let branch = 0; branch < 100; branch++) {
    await clock.advance(100);
    await process.keep('w', 10 * TTL);
  }
  expect(spy.calls).toBe(100);
});

it('a result that the store has lost is told of by name', async () => {
  const clock = new ManualClock();
  const { store } = spied(clock);
  const lossy: StateStore = {
    ...store,
    get: async (key) => (key.includes(':result:') ? undefined : store.get(key)),
  };
  const process = new StateWorkflowStore(lossy, clock);
  const result = 'x'.repeat(9000);
  await process.arrive(arrival(0, 2, { result }), TTL);
  await expect(process.arrive(arrival(1, 2, { result }), TTL)).rejects.toMatchObject({
    code: 'WORKFLOW_STATE_LOST',
    workflow: 'w',
    at: '0',
  });
});
