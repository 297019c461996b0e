import { EventBus } from 'nestjs-redis-streams/driver';
import { ManualClock, memory, sourceContract } from 'nestjs-redis-streams/testing';
import { expect, test } from 'vitest';
import type { DriverHarness } from 'nestjs-redis-streams/testing';
import type { Clock } from 'nestjs-redis-streams/driver';
import { RecordingRunner } from '../../support/recording-runner.js';

const TEST = 'gives entries the time at which they were published';

/** A clock for a driver that takes the time of the process for the date. */
const mixed = (clock: ManualClock): Clock => ({
  now: () => clock.now(),
  wallTime: () => clock.now(),
  setTimeout: (callback, ms) => clock.setTimeout(callback, ms),
  clearTimeout: (timer) => clock.clearTimeout(timer),
});

async function outcomeOf(
  clockOf: (clock: ManualClock) => Clock,
  now: (clock: ManualClock) => number,
) {
  const setup = (): DriverHarness => {
    const clock = new ManualClock();
    const driver = memory({ clock: clockOf(clock) });
    let names = 0;
    return {
      open: async ({ events = new EventBus(), keyPrefix = '' } = {}) =>
        driver.open({ events, keyPrefix }),
      elapse: (ms) => clock.advance(ms),
      now: () => now(clock),
      unique: (name) => `${name}-${++names}`,
      close: async () => undefined,
    };
  };
  const runner = new RecordingRunner(false, true);
  sourceContract(runner, 'mixed', setup);
  const outcomes = Object.entries(await runner.run());
  return outcomes.find(([name]) => name.endsWith(TEST))?.[1];
}

test('a driver that dates entries by the right clock passes', async () => {
  expect(
    await outcomeOf(
      (clock) => clock,
      (clock) => clock.wallTime(),
    ),
  ).toBe('passed');
});

test('a driver that dates entries by the time since its process started fails', async () => {
  const outcome = await outcomeOf(mixed, (clock) => clock.wallTime());
  expect(outcome).toContain('failed: publishedAt, in milliseconds since the epoch');
});

test('so does a harness whose time is that of the process', async () => {
  const outcome = await outcomeOf(mixed, (clock) => clock.now());
  expect(outcome).toContain(
    'failed: now() of the harness has to be in milliseconds since the epoch',
  );
});
