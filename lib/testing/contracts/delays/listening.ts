import { ack } from '../../../core/settlement.js';
import type { DelayStore } from '../../../ports/delays.js';
import type { DriverHarness } from '../../world/driver-harness.js';
import { type DelaysWorld, LATER, SOON } from './delays-world.js';
import type { Tests } from '../../running/runner.js';
import { until } from '../../running/until.js';

export function describeListening(
  { describe, test, beforeEach, onTestFinished }: Tests,
  current: () => DelaysWorld,
): void {
  let world: DelaysWorld;
  let delays: DelayStore;
  let harness: DriverHarness;
  let stream: string;

  beforeEach(() => {
    world = current();
    ({ delays, harness, stream } = world);
  });

  describe('a listener', () => {
    /** Streams that he was told of, from when he listens on. */
    async function listen(): Promise<string[]> {
      const { delays: others } = await world.open();
      const told: string[] = [];
      const tell = (of: string) => void told.push(of);
      if (others!.watch) {
        onTestFinished(others!.watch(tell));
        return told;
      }
      const hints = others!.hints!(tell);
      onTestFinished(() => hints.close());
      hints.follow([stream]);
      await until('he listens', () => told.length > 0);
      hints.follow([`${stream}-2`]);
      await until('he listens', async () => {
        await delays.schedule([world.delayed('x', { in: 0 }, `${stream}-2`)]);
        await delays.promote([`${stream}-2`]);
        return told.includes(`${stream}-2`);
      });
      told.length = 0;
      return told;
    }

    test('is told of what is due before the next look', async () => {
      await world.needPromoting();
      const told = await listen();
      const tellsOf = async (action: string, act: () => Promise<unknown>) => {
        told.length = 0;
        await act();
        await until(`he is told of ${action}`, () => told.includes(stream));
      };
      await world.schedule(LATER, 'later');
      await tellsOf('a message', () => world.schedule(SOON, 'soon'));
      // Else the next one may be due after it, on a slow machine, and is nothing to tell of.
      await harness.elapse(SOON + 1);
      await world.promote();
      const [id] = await world.schedule(LATER, 'moved');
      await tellsOf('another time', () => delays.reschedule(stream, id!, { in: 20 }));
      await harness.elapse(SOON + 1);
      await world.promote();
      const reader = await world.reader('A', { streams: [`${stream}-2`] });
      await world.publishTo(`${stream}-2`, 'first');
      const lease = await reader.takeOne();
      const publish = [world.delayed('next', { in: 10 })];
      await tellsOf('a next step', () => reader.settle(lease, { ...ack, publish }));
    });
  });
}
