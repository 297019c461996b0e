import { expect, it } from 'vitest';
import { StepRecorder } from '../../lib/workflows/step-recorder.js';
import { StepSettling, type ConcludingOptions } from '../../lib/workflows/step-settling.js';
import type { LeaseState, Lease } from '../../lib/core/lease.js';
import { jsonCodec } from '../../lib/core/codecs/json.codec.js';
import { EventBus } from '../../lib/core/event-bus.js';
import type { StepReport } from '../../lib/workflows/ended-step.js';
import type { FinishedStep, WorkflowStore } from '../../lib/ports/workflow-store.js';
import { placeIn, placeToText, type HookScope } from '../../lib/workflows/workflow-place.js';
import type { Ack } from '../../lib/core/settlement.js';
import type { Settling } from '../../lib/ports/source.js';
import { ManualClock } from '../../lib/drivers/memory/index.js';
import { standIn } from '../support/stand-in.js';

/** A store that notes what it was given, and refuses while it is away. */
function setup() {
  const state = { away: false, given: [] as string[], told: 0, warnings: [] as string[] };
  const store = standIn<WorkflowStore>({
    record: async (steps: readonly FinishedStep[]) =>
      steps.map(({ step }) => {
        if (state.away) return new Error('away');
        state.given.push(step);
        return undefined;
      }),
  });
  const clock = new ManualClock();
  const events = new EventBus();
  events.on('worker-error', () => state.told++);
  events.on('warning', ({ code, message }) => state.warnings.push(`${code} ${message}`));
  const recorder = new StepRecorder({ store, ttl: 1000, clock, events });
  return { state, clock, recorder, store, events };
}

const finishedStep = (name: string): FinishedStep => ({
  workflow: 'w',
  step: name,
  run: 1,
  failed: false,
  record: '',
});

const holding = (hold: LeaseState = 'held') => ({
  hold,
  asked: 0,
  async holds(leases: readonly Lease[]) {
    this.asked++;
    return new Map(leases.map((one) => [one, this.hold]));
  },
  looksOn: () => false,
});

const place = placeIn({ workflow: 'w 0.1.1 1-0 j:0:1:2:joined' })!;
const undo: HookScope = { kind: 'hook', event: 'undo', stream: undefined };
const arriving = { place, report: {} as StepReport, result: 'null', trace: {} };
const branchEnd = { ...finishedStep('0.1.1'), arriving };

const lease = { stream: 's', id: '1-0', publishedAt: 1, attempt: 1, charged: true, fields: [] };

it('what could not be recorded is recorded later, once', async () => {
  const { state, clock, recorder } = setup();
  state.away = true;
  void recorder.record([finishedStep('0'), finishedStep('1')]);
  await clock.advance(300);
  expect([state.given, state.told > 1]).toEqual([[], true]);
  state.away = false;
  await clock.advance(10_000);
  expect(state.given).toEqual(['0', '1']);
  void recorder.record([finishedStep('2')]);
  await clock.advance(10_000);
  expect(state.given).toEqual(['0', '1', '2']);
});

it('what waits for the store is recorded at the end, without waiting for its time', async () => {
  const { state, clock, recorder } = setup();
  state.away = true;
  void recorder.record([finishedStep('0')]);
  await clock.advance(0);
  state.away = false;
  await recorder.stop();
  expect([state.given, state.warnings]).toEqual([['0'], []]);
});

it('what cannot be recorded at the end is told of, and nothing is tried after it', async () => {
  const { state, clock, recorder } = setup();
  state.away = true;
  void recorder.record([finishedStep('0'), finishedStep('1')]);
  await clock.advance(0);
  void recorder.record([finishedStep('2')]);
  await recorder.stop();
  expect(state.warnings).toEqual([expect.stringMatching(/^STEPS_NOT_RECORDED 3 steps/)]);
  const { told } = state;
  state.away = false;
  await clock.advance(10_000);
  expect([state.told, state.given]).toEqual([told, []]);
});

it('what waits for the store is bounded', async () => {
  const { state, clock, recorder } = setup();
  state.away = true;
  for (let n = 0; n < 60; n++)
    void recorder.record(Array.from({ length: 100 }, () => finishedStep('x')));
  await clock.advance(0);
  state.away = false;
  await clock.advance(60_000);
  expect(state.given).toHaveLength(5000);
});

it.each(['rejects', 'answers an error'])(
  'a settlement that %s is tried again, and records its step once',
  async (how) => {
    const { state, recorder, store } = setup();
    const options = standIn<ConcludingOptions>({
      store,
      recorder,
      codec: jsonCodec,
      ttl: 1000,
    });
    let away = true;
    const { all } = new StepSettling(options, holding(), async (batch) => {
      if (away && how === 'rejects') throw new Error('away');
      return batch.map(() => (away ? new Error('away') : 'settled'));
    });
    const settlement = { kind: 'ack', step: finishedStep('0') } as const;
    const batch: Settling[] = [{ lease, settlement }];
    for (let time = 0; time < 2; time++) {
      const [failed] = await all(batch).catch((error: unknown) => [error]);
      expect(failed).toEqual(new Error('away'));
    }
    away = false;
    expect(await all(batch)).toEqual(['settled']);
    expect(state.given).toEqual(['0']);
  },
);

it.each([
  { hold: 'held', arrives: 2, whose: 'ours', outcome: 'settled' },
  { hold: 'lost', arrives: 0, whose: "another run's", outcome: 'lost' },
  { hold: 'gone', arrives: 0, whose: "no run's", outcome: 'gone' },
] as const)(
  'the ends of branches that are $whose arrive $arrives times, by one question',
  async ({ hold, arrives, outcome }) => {
    const { recorder, store, state } = setup();
    const arrived: unknown[] = [];
    store.arrive = async (arrival) => void arrived.push(arrival);
    const options = standIn<ConcludingOptions>({
      store,
      recorder,
      codec: jsonCodec,
      ttl: 1000,
    });
    const held = holding(hold);
    const { all } = new StepSettling(options, held, async (batch) => batch.map(() => 'settled'));
    const outcomes = await all([
      { lease, settlement: { kind: 'ack', unrun: 'duplicate', step: branchEnd } },
      { lease: { ...lease, id: '2-0' }, settlement: { kind: 'ack', step: branchEnd } },
    ]);
    expect(outcomes).toEqual([outcome, outcome]);
    expect([arrived.length, held.asked, state.given.length]).toEqual([arrives, 1, arrives]);
  },
);

it.each([
  ['apart from the source: its settlement waits for the record', true, ['recorded', 'settled']],
  ['the source keeps, too: its settlement does not wait', false, ['settled', 'recorded']],
])('a step in a store that is %s', async (_, storedApart, order) => {
  const { recorder, store } = setup();
  const done: string[] = [];
  store.record = async (steps) => {
    await new Promise((resolve) => setImmediate(resolve));
    done.push('recorded');
    return steps.map(() => undefined);
  };
  const options = { store, recorder, codec: jsonCodec, ttl: 1000, storedApart };
  const settling = new StepSettling(
    standIn<ConcludingOptions>(options),
    holding(),
    async (batch) => {
      done.push('settled');
      return batch.map(() => 'settled');
    },
  );
  await settling.all([{ lease, settlement: { kind: 'ack', step: finishedStep('0') } }]);
  await recorder.stop();
  expect(done).toEqual(order);
});

it('the end of a branch whose settlement was carried out, but for its mark, is marked at another try', async () => {
  const { recorder, store } = setup();
  store.arrive = async () => ['{"v":1}', '{"v":2}'];
  const encode = () => ({ stream: 'joined', fields: [] });
  const options = { store, recorder, encode, codec: jsonCodec, ttl: 1000 };
  const held = holding();
  const published: number[] = [];
  const { all } = new StepSettling(standIn<ConcludingOptions>(options), held, async (batch) =>
    batch.map(({ settlement }) => {
      published.push((settlement as Ack).publish?.length ?? 0);
      return published.length === 1 ? new Error('not marked') : 'settled';
    }),
  );
  const batch: Settling[] = [{ lease, settlement: { kind: 'ack', step: branchEnd } }];
  expect(await all(batch)).toEqual([new Error('not marked')]);
  held.hold = 'gone';
  expect(await all(batch)).toEqual(['settled']);
  expect(published).toEqual([1, 0]);
});

it('a step whose failure message can never be published is buried all the same, and it is told', async () => {
  const { recorder, store, events, state } = setup();
  let asked = 0;
  const encode = () => {
    asked++;
    throw new TypeError('the codec refuses it');
  };
  const options = { store, recorder, encode, events, codec: jsonCodec, ttl: 1000 };
  const { all } = new StepSettling(standIn<ConcludingOptions>(options), holding(), async (batch) =>
    batch.map(() => 'settled'),
  );
  const fields = ['event_type', 'second', 'payload', '{}', 'metadata'];
  const workflow = placeToText({ id: 'w', step: '1', parent: '0-1', scopes: [undo] });
  const record = { stream: 's', id: '1-0', group: 'g', reason: 'max-deliveries', attempts: 5 };
  const times = { publishedAt: '', deadLetteredAt: '2026-01-01T00:00:00Z', consumer: 'c' };
  const outcomes = await all([
    {
      lease: { ...lease, fields: [...fields, JSON.stringify({ workflow })] },
      settlement: { kind: 'dead-letter', reason: 'max-deliveries' },
      record: { ...record, ...times },
    },
  ]);
  expect(outcomes).toEqual(['settled']);
  // With the payloads of what failed, and without.
  expect(asked).toBe(2);
  expect(state.warnings).toMatchObject([
    expect.stringMatching(/^FAILURE_HOOK_REFUSED .*"undo".*1-0 of s.*the codec refuses it/),
  ]);
});
