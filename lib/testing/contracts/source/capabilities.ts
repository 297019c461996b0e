import { expect } from '../../running/expect.js';
import type { Tests } from '../../running/runner.js';
import type { SourceCapabilities } from '../../../ports/source-capabilities.js';
import type { SourceWorld } from '../../world/source-world.js';

/** Longest message that a test publishes, in bytes. */
const LARGEST = 4 * 1024 * 1024;

type Stated = Exclude<
  keyof SourceCapabilities,
  'technology' | 'maxPayload' | 'replicatedPublish' | 'partitionedPublish'
>;

/** What a capability may be. */
const VALUES: { readonly [K in Stated]: readonly SourceCapabilities[K][] } = {
  redelivers: [true, false],
  holds: ['entry', 'partition'],
  leaves: [true, false],
  keepsReleasedOrder: [true, false],
  delivery: ['at-least-once', 'at-most-once'],
  positions: ['source', 'engine', 'none'],
  atomicPublish: [true, false],
  atomicDeadLetter: [true, false],
  durableAttempts: [true, false],
  extends: [true, false],
  idempotentPublish: [true, false, 'native'],
};

export function describeCapabilities({ describe, test }: Tests, world: () => SourceWorld): void {
  describe('capabilities', () => {
    test('are all stated', async () => {
      const { capabilities } = await world().source();
      expect(capabilities.technology).toMatch(/./);
      for (const [name, values] of Object.entries(VALUES)) {
        expect(values, name).toContain(capabilities[name as Stated]);
      }
    });

    test('fit together: a source that holds partitions leaves no entry pending', async () => {
      await world().need(({ holds }) => holds === 'partition', 'hold partitions');
      expect((await world().source()).capabilities.leaves).toBe(false);
    });

    test('leases of a source that holds partitions name their partition', async () => {
      await world().need(({ holds }) => holds === 'partition', 'hold partitions');
      await world().publish('a');
      const { partition } = await (await world().reader('A')).takeOne();
      expect(partition).toBeTypeOf('string');
    });

    test('a message of maxPayload bytes is published, and read as it was', async () => {
      const source = await world().source();
      const { maxPayload = Infinity } = source.capabilities;
      await world().need(() => maxPayload <= LARGEST, `bound messages to ${LARGEST} bytes or less`);
      const fields = ['payload', 'x'.repeat(maxPayload - 'payload'.length)];
      const reader = await world().reader('A');
      const [id] = await source.publish([{ stream: world().stream, fields }]);
      expect(id).toBeTypeOf('string');
      expect((await reader.takeOne()).fields).toEqual(fields);
    });
  });
}
