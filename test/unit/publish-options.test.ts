import { firstValueFrom } from 'rxjs';
import {
  fanOut,
  next,
  StreamPublisher,
  StreamRecordBuilder,
  StreamsClient,
  WorkflowInstruction,
} from 'nestjs-redis-streams';
import { memory } from 'nestjs-redis-streams/memory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StreamsRuntime } from '../../lib/runtime/streams-runtime.js';
import { inAllSlots } from '../support/in-all-slots.js';

let runtime: StreamsRuntime;
let publisher: StreamPublisher;
beforeAll(() => {
  runtime = new StreamsRuntime({ slots: inAllSlots(memory()), group: 'g' });
  publisher = new StreamPublisher(runtime.producer);
});
afterAll(() => runtime.close());

const failure = async (work: Promise<unknown>): Promise<{ code?: string; message: string }> =>
  work.then(
    () => ({ message: 'it went through' }),
    (error: Error & { code?: string }) => error,
  );

const thrown = (work: () => unknown): Promise<{ code?: string; message: string }> =>
  failure((async () => work())());

describe('the options of a message', () => {
  it.each<[string, unknown, string]>([
    ['a misspelt delay', { delya: 5 }, 'delya is no option of a message: did you mean delay?'],
    ['a delay as text', { delay: '5000' }, 'not "5000": that is a text'],
    [
      'seconds',
      { deliverAt: 1_732_950_000 },
      'from 2001-01-01 on, not 1732950000: seconds? Multiply by 1000',
    ],
    ['a Date of seconds', { deliverAt: new Date(1_732_950_000) }, 'seconds? Multiply by 1000'],
    ['no date', { deliverAt: new Date(Number.NaN) }, 'not an invalid Date'],
    [
      'both times',
      { delay: 1, deliverAt: new Date() },
      'delay or deliverAt must be given, not both',
    ],
    ['an empty stream', { stream: '' }, 'stream must be the name of a stream, not ""'],
    [
      'a misspelt group',
      { maxLag: { lag: 5, group: ['a'] } },
      'maxLag.group is no option of maxLag: did you mean groups?',
    ],
    [
      'a negative lag',
      { maxLag: -1 },
      'maxLag must be a whole number of at least 0, or { lag, groups }, not -1',
    ],
    [
      'an empty key',
      { idempotencyKey: '' },
      'idempotencyKey must be a text of 1 to 1024 characters',
    ],
    [
      'no replicas',
      { waitReplicas: 0 },
      'waitReplicas must be a whole number of at least 1, not 0',
    ],
    ['metadata as text', { metadata: 'x' }, 'metadata must be an object of texts, not "x"'],
    ['null', null, 'the options of a message must be an object, not null'],
    ['a text', 'orders', 'the options of a message must be an object, not "orders"'],
    ['a promise', Promise.resolve({}), 'a promise: await it first'],
  ])('refuse %s', async (_, options, sentence) => {
    const error = await failure(publisher.publish('a', 1, options as never));
    expect(error).toMatchObject({ code: 'INVALID_MESSAGE' });
    expect(error.message).toContain(sentence);
  });

  it('name every problem at once', async () => {
    const error = await failure(
      publisher.publish('a', 1, { delya: 5, stream: '', waitReplicas: -1 } as never),
    );
    for (const word of ['delya', 'stream', 'waitReplicas']) expect(error.message).toContain(word);
  });

  it('of a batch name the message', async () => {
    const items = [
      { eventType: 'a', payload: 1 },
      { eventType: 'a', payload: 1, delya: 5 },
    ];
    expect((await failure(publisher.publishBatch(items))).message).toContain(
      '[1].delya is no option',
    );
    expect((await failure(publisher.publishBatch([null] as never))).message).toContain(
      '[0] must be an object',
    );
    expect((await failure(publisher.publishBatch(undefined as never))).message).toContain(
      'must be a list of messages',
    );
  });

  it('may all be undefined', async () => {
    const names = [
      'stream',
      'metadata',
      'idempotencyKey',
      'waitReplicas',
      'delay',
      'deliverAt',
      'maxLag',
      'onBackpressure',
      'timeout',
    ];
    const none = Object.fromEntries(names.map((name) => [name, undefined]));
    expect(await publisher.publish('a', 1, none)).toEqual(expect.any(String));
  });

  it.each([undefined, null, '', 'a.*', Number.NaN, {}])(
    'refuse the event type %s',
    async (eventType) => {
      const error = await failure(publisher.publish(eventType as never, 1));
      expect(error).toMatchObject({ code: 'INVALID_MESSAGE' });
      expect(error.message).toContain('eventType');
    },
  );

  it('of a record are checked, too', async () => {
    const client = new StreamsClient(runtime);
    const record = new StreamRecordBuilder(1)
      .setMaxLag(5, { onBackpresure: 'error' } as never)
      .build();
    const error = await failure(firstValueFrom(client.emit('a', record)));
    expect(error).toMatchObject({ code: 'INVALID_MESSAGE' });
    expect(error.message).toContain('did you mean onBackpressure?');
  });
});

describe('the options of a step', () => {
  it.each<[string, () => unknown, string]>([
    [
      'next',
      () => next('a', 1, { dealy: 5 } as never),
      'dealy is no option of next: did you mean delay?',
    ],
    ['next', () => next('a', 1, { delay: '5000' } as never), 'delay must be'],
    [
      'next',
      () => next('a', 1, { onFailure: { event: 'b', steam: 's' } } as never),
      'onFailure.steam is no option',
    ],
    ['next', () => next('a', 1, null as never), 'the options of next must be an object, not null'],
    ['an instruction', () => new WorkflowInstruction('a', 1, { deliverAt: 5 }), 'seconds?'],
    [
      'fanOut',
      () => fanOut([next('a')], { joins: 'b' } as never),
      'joins is no option of fanOut: did you mean join?',
    ],
    ['fanOut', () => fanOut([next('a')], { join: 'b.*' }), 'join must be one event type without *'],
  ])('%s refuses', async (_, make, sentence) => {
    const error = await thrown(make);
    expect(error).toMatchObject({ code: 'INVALID_INSTRUCTION' });
    expect(error.message).toContain(sentence);
  });

  it('of a workflow are refused before anything is stored', async () => {
    const { workflows } = runtime.chaining;
    const error = await failure(workflows.start('a', 1, { onFailur: 'b', id: '' } as never));
    expect(error).toMatchObject({ code: 'INVALID_MESSAGE' });
    expect(error.message).toContain('did you mean onFailure?');
    expect(error.message).toContain('id must be a text of 1 to 200');
  });

  it('may be undefined', () => {
    expect(next('a', 1, { delay: undefined, metadata: undefined })).toMatchObject({ next: 'a' });
    expect(fanOut([next('a')], { join: undefined, partial: undefined })).toBeDefined();
  });
});
