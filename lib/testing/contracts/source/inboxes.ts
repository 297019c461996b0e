import { expect } from '../../running/expect.js';
import { port } from '../../running/skipped.js';
import type { Tests } from '../../running/runner.js';
import type { CompletionKey } from '../../../core/completion.js';
import type { Inbox } from '../../../ports/inbox.js';
import { NEVER, type SourceWorld } from '../../world/source-world.js';

/** What the port `inbox` promises of every kind of transaction. */
export function describeInboxes(
  { describe, test, beforeEach }: Tests,
  world: () => SourceWorld,
): void {
  const keyOf = (key: string, handler = 'A.a') => {
    const { stream, group } = world();
    return { stream, group, handler, key };
  };

  describe('an inbox', () => {
    let inbox: Inbox;
    beforeEach(async () => {
      inbox = port(await world().driver(), 'inbox');
    });

    test('calls the work of a key until it has succeeded once', async () => {
      const calls: string[] = [];
      const work = (name: string) => async () => {
        calls.push(name);
        return name;
      };
      const failing = inbox.run(keyOf('k'), NEVER, async () => {
        calls.push('fails');
        throw new TypeError('no');
      });
      await expect(failing).rejects.toThrow(TypeError);
      const first = await inbox.run(keyOf('k'), NEVER, work('first'));
      expect(first).toEqual({ duplicate: false, result: 'first' });
      const again = port(await world().open(), 'inbox');
      expect(await again.run(keyOf('k'), NEVER, work('second'))).toEqual({ duplicate: true });
      await inbox.run(keyOf('k', 'A.b'), NEVER, work('of another handler'));
      expect(calls).toEqual(['fails', 'first', 'of another handler']);
    });

    test('of two runs at a time one takes effect', async () => {
      let meet!: () => void;
      const met = new Promise<void>((resolve) => (meet = resolve));
      let here = 0;
      const work = async () => {
        if (++here === 2) meet();
        await met;
      };
      const both = await Promise.all([
        inbox.run(keyOf('k'), NEVER, work),
        inbox.run(keyOf('k'), NEVER, work),
      ]);
      expect(both.filter(({ duplicate }) => duplicate)).toHaveLength(1);
    });

    test('a key that was noted under the name of version 0.1.0 is noted', async () => {
      const run = (key: CompletionKey) => inbox.run(key, NEVER, async () => 1);
      await run(keyOf('k', 'Old.name'));
      const now = { ...keyOf('k', 'event'), formerly: 'Old.name' };
      expect(await run(now)).toEqual({ duplicate: true });
      expect(await run({ ...now, key: 'other' })).toMatchObject({ duplicate: false });
      expect(await run(keyOf('k', 'event'))).toMatchObject({ duplicate: false });
    });

    test('forgets a key after its time', async () => {
      await inbox.run(keyOf('k'), 100, async () => 1);
      await world().harness.elapse(300);
      expect(await inbox.run(keyOf('k'), 100, async () => 2)).toMatchObject({ duplicate: false });
    });
  });
}
