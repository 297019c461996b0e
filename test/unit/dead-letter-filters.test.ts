import { memory } from 'nestjs-redis-streams/memory';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from '../support/in-all-slots.js';

let runtime: StreamsRuntime;
beforeEach(async () => {
  runtime = new StreamsRuntime({ slots: inAllSlots(memory()), group: 'g' });
  const record = { stream: 'orders', id: '1-0', group: 'g', consumer: 'c', attempts: 1 };
  const times = { publishedAt: '', deadLetteredAt: '' };
  await runtime.driver.deadLetters!.put({ ...record, ...times, reason: 'r' }, ['a', 'b']);
});
afterEach(() => runtime.close());

const left = async (): Promise<number> =>
  (await runtime.admin.deadLetters.list('orders')).items.length;

it.each<[string, unknown, string]>([
  [
    'a misspelt name',
    { gruop: 'a' },
    'gruop is no option of a filter of dead letters: did you mean group?',
  ],
  ['ids that were not filled in', { ids: undefined }, 'ids is undefined: leave it out'],
  ['one of two that was not filled in', { group: 'g', ids: undefined }, 'ids is undefined'],
  ['an empty filter', {}, '{ all: true } means everything in the stream'],
  [
    'no filter',
    undefined,
    'the filter, { ids }, { group } or { all: true }, must be an object, not undefined',
  ],
  ['null', null, 'the filter, { ids }, { group } or { all: true }, must be an object, not null'],
  ['a promise', Promise.resolve({ all: true }), 'a promise: await it first'],
  ['an id', '1-0', 'the filter, { ids }, { group } or { all: true }, must be an object, not "1-0"'],
  ['ids that are no list', { ids: '1-0' }, 'ids must be a list of ids of dead letters, not "1-0"'],
  ['what is no id', { ids: ['1-0', 'nope'] }, 'ids[1] must be the deadLetterId of a dead letter'],
  ['an empty group', { group: '' }, 'group must be a text that is not empty'],
  ['all and more', { all: true, group: 'g' }, 'all must stand alone'],
  ['all: false', { all: false }, 'all must be true, not false'],
])('redrive and purge refuse %s', async (_, filter, sentence) => {
  for (const operation of ['redrive', 'purge'] as const) {
    await expect(
      runtime.admin.deadLetters[operation]('orders', filter as never),
    ).rejects.toMatchObject({
      code: 'INVALID_OPTIONS',
      message: expect.stringContaining(sentence),
    });
  }
  expect(await left()).toBe(1);
});

it('everything at once is asked for by { all: true }', async () => {
  expect(await runtime.admin.deadLetters.purge('orders', { all: true })).toBe(1);
  expect(await left()).toBe(0);
});

it.each([
  { limit: -1 },
  { limit: 0 },
  { limit: '5' },
  { after: '' },
  { aftr: 'x' },
  null,
  Promise.resolve({}),
])('lists refuse %j', async (page) => {
  const refused = { code: 'INVALID_OPTIONS' };
  await expect(runtime.admin.deadLetters.list('orders', page as never)).rejects.toMatchObject(
    refused,
  );
  const { delayedMessages } = runtime.admin;
  await expect(delayedMessages.list('orders', page as never)).rejects.toMatchObject(refused);
});
