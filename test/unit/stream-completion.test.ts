import { expect, it } from 'vitest';
import { StreamNotOwnedError } from '../../lib/core/errors/balancing.errors.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { ManualClock } from '../../lib/drivers/memory/index.js';
import { StreamCompletion } from '../../lib/load-balancing/stream-completion.js';
import { StreamOwner } from '../../lib/load-balancing/stream-owner.js';
import type { CompleteOutcome, StreamLocks } from '../../lib/ports/stream-locks.js';
import { standIn } from '../support/stand-in.js';

async function owning(answers: (CompleteOutcome | Error)[]) {
  const clock = new ManualClock();
  const events = new EventBus();
  const asked: string[] = [];
  let tokens = 0;
  const locks = standIn<StreamLocks>({
    take: async () => ({ word: 'taken', token: ++tokens }),
    complete: async ({ stream }: { stream: string }) => {
      asked.push(stream);
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const streamOwner = new StreamOwner({
    clock,
    locks,
    isRunning: () => true,
    hasCapacity: () => true,
    notify: () => undefined,
    onCapacity: () => undefined,
  });
  const completion = new StreamCompletion({ streamOwner, clock, events });
  await streamOwner.own({ stream: 'x', id: '1-0', info: {} }, true);
  const [held] = streamOwner.owned;
  return { clock, events, asked, streamOwner, completion, held: held! };
}

it('a stream that the source has completed with its last message is not completed once more', async () => {
  const { completion, held, asked, streamOwner } = await owning([]);
  await completion.finished(held, true);
  expect([asked, streamOwner.owned.size, held.signal.aborted]).toEqual([[], 0, true]);
  await completion.complete('x');
  await expect(completion.complete('y')).rejects.toThrow(StreamNotOwnedError);
});

it('a stream whose last message is settled is completed, again after an error', async () => {
  const { completion, held, asked, streamOwner, clock, events } = await owning([
    new Error('away'),
    'settled',
  ]);
  const failed: string[] = [];
  events.on('worker-error', ({ worker }) => failed.push(worker));
  const finished = completion.finished(held, false);
  await clock.advance(10_000);
  await finished;
  expect([asked, streamOwner.owned.size]).toEqual([['x', 'x'], 0]);
  expect(failed).toEqual(['completion of a stream']);
});

it('a stream that this consumer has lost and taken anew is not completed for the one before', async () => {
  const { completion, held, asked, streamOwner, clock } = await owning([new Error('away')]);
  const finished = completion.finished(held, false);
  await clock.advance(0);
  streamOwner.lose(held);
  await streamOwner.own({ stream: 'x', id: '2-0', info: {} }, true);
  await clock.advance(10_000);
  await finished;
  await completion.finished(held, true);
  expect([asked, streamOwner.owned.size]).toEqual([['x'], 1]);
  expect([...streamOwner.owned][0]!.signal.aborted).toBe(false);
});

it('a stream with a message that waits stays owned until the source tells again that it is finished', async () => {
  const { completion, held, asked, streamOwner } = await owning(['unsettled', 'settled']);
  await completion.finished(held, false);
  expect([asked, streamOwner.owned.size, held.leaving]).toEqual([['x'], 1, false]);
  await completion.finished(held, false);
  expect(streamOwner.owned.size).toBe(0);
});
