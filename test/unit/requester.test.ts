import { expect, it } from 'vitest';
import { AnswerKind } from '../../lib/core/answer.js';
import { systemClock } from '../../lib/core/clock.js';
import type { Fields, OutgoingEntry } from '../../lib/core/message.js';
import type { Replies, ReplyBoxOptions } from '../../lib/ports/replies.js';
import type { MessageSource } from '../../lib/ports/source.js';
import { memory } from '../../lib/drivers/memory/index.js';
import { Requester } from '../../lib/requests/requester.js';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { standIn } from '../support/stand-in.js';
import { inAllSlots } from '../support/in-all-slots.js';

it('a refusal that cannot be read fails its own request, and nothing else', async () => {
  let box!: ReplyBoxOptions;
  const replies = standIn<Replies>({
    open: (options: ReplyBoxOptions) => {
      box = options;
      return { address: 'box', ready: () => undefined, close: () => Promise.resolve() };
    },
    readers: () => Promise.resolve(1),
  });
  const published: OutgoingEntry[] = [];
  const publish = (entries: readonly OutgoingEntry[]) => {
    published.push(...entries);
    return Promise.resolve(['1-0']);
  };
  const source = standIn<MessageSource>({ publish });
  const requester = new Requester({ replies, source, clock: systemClock });
  const ended: string[] = [];
  const asker = (name: string) => ({
    answered: () => void ended.push(`${name} answered`),
    failed: () => void ended.push(`${name} failed`),
  });
  const question = { eventType: 'e', entry: { stream: 's', fields: [] }, timeout: 1000 };
  requester.ask(question, asker('one'));
  requester.ask(question, asker('other'));
  await new Promise((resolve) => setImmediate(resolve));
  expect(published).toHaveLength(2);
  const garbage: Fields = ['answer', `1 x 0 ${AnswerKind.Refused}`, 'body', 'not json'];
  box.onReplies([garbage]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toEqual(['one failed']);
  await requester.close();
  expect(ended).toEqual(['one failed', 'other failed']);
});

it('the runtime forgets a requester that is closed', async () => {
  const runtime = new StreamsRuntime({ slots: inAllSlots(memory()) });
  const requester = runtime.createRequester();
  expect(runtime['requesters'].size).toBe(1);
  await requester.close();
  expect(runtime['requesters'].size).toBe(0);
  await runtime.close();
});
