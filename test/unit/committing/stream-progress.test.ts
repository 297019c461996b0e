import { expect, it } from 'vitest';
import { StreamProgress } from '../../../lib/committing/stream-progress.js';
import { gate } from '../../support/engine.js';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it.each([0, 1, 2, 3, 4, 5, 6, 7])(
  'a commit %i microtasks after the write before has ended is written, too',
  async (microtasks) => {
    const written: string[] = [];
    const first = gate();
    const progress = new StreamProgress({
      stream: 's',
      partition: undefined,
      floor: undefined,
      write: async ({ lastMessageId }) => {
        await first.promise;
        written.push(lastMessageId);
      },
      onOutcome: () => undefined,
    });
    const commit = (id: string): void => {
      progress.settled({ id, attempt: 1 });
      progress.take();
      void progress.write();
    };
    commit('1');
    await turn();
    first.open();
    for (let turned = 0; turned < microtasks; turned++) await Promise.resolve();
    commit('2');
    await turn();
    expect(written).toEqual(['1', '2']);
  },
);
