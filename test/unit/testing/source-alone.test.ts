import { EventBus, type Driver } from 'nestjs-redis-streams/driver';
import {
  ManualClock,
  memory,
  sourceContract,
  type DriverHarness,
} from 'nestjs-redis-streams/testing';
import { expect, test, vi } from 'vitest';
import { RecordingRunner } from '../../support/recording-runner.js';

/** Kinds of settlements that came to the source. */
const settled = new Set<string>();

/** The driver without dead letters. */
function withoutQueue({ source, ...ports }: Driver): Driver {
  const { settle } = source;
  vi.spyOn(source, 'settle').mockImplementation((batch) => {
    for (const { settlement } of batch) settled.add(settlement.kind);
    return settle.call(source, batch);
  });
  return { ...ports, source, deadLetters: undefined, held: undefined };
}

function setup(): DriverHarness {
  const clock = new ManualClock();
  const driver = memory({ clock });
  let names = 0;
  return {
    open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
      withoutQueue(driver.open({ events, keyPrefix })),
    elapse: (ms) => clock.advance(ms),
    now: () => clock.wallTime(),
    unique: (name) => `${name}-${++names}`,
    close: async () => undefined,
  };
}

test('a source without dead letters passes, and gets no settlement of that kind', async () => {
  const runner = new RecordingRunner(false, true);
  sourceContract(runner, 'alone', setup);
  const outcomes = Object.entries(await runner.run());
  expect(outcomes.filter(([, outcome]) => outcome.startsWith('failed'))).toEqual([]);
  const skipped = outcomes.filter(([, outcome]) => outcome.endsWith('no port `deadLetters`'));
  expect(skipped.length).toBeGreaterThan(5);
  expect([...settled].toSorted()).toEqual(['ack', 'leave', 'release', 'retry']);
});
