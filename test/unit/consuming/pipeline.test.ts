import { describe, expect, it } from 'vitest';
import { createPipeline, type PipelineOptions } from '../../../lib/consuming/pipeline.js';
import type { HandlerTable } from '../../../lib/consuming/plan/handler-table.js';
import { jsonCodec } from '../../../lib/core/codecs/json.codec.js';
import { Delivery, type BoundHandler } from '../../../lib/core/delivery.js';
import type { Lease } from '../../../lib/core/lease.js';
import { ack } from '../../../lib/core/settlement.js';
import { standIn } from '../../support/stand-in.js';

const PLAIN = {
  maxDeliveries: 5,
  answers: false,
  chains: false,
  invoke: () => Promise.resolve(ack),
};

/** A pipeline that notes what is asked of its ports. */
function pipelineOf(handlers: Readonly<Record<string, Partial<BoundHandler>>>) {
  const asked: string[] = [];
  const note = (what: string) => {
    asked.push(what);
    return Promise.resolve('started' as const);
  };
  const bound = new Map(
    Object.entries(handlers).map(([eventType, own]) => [
      eventType,
      standIn<BoundHandler>({ name: eventType, ...PLAIN, ...own }),
    ]),
  );
  const table = standIn<HandlerTable>({
    find: (eventType: string) => bound.get(eventType),
    completionKey: () => ({ stream: 's', group: 'g', handler: 'h', key: 'k' }),
  });
  const run = createPipeline(
    standIn<PipelineOptions>({
      tables: new Map([['s', table]]),
      codec: jsonCodec,
      middleware: [],
      gates: new Map(),
      isHalted: () => false,
      clock: { setTimeout: () => void note('timeout'), clearTimeout: () => undefined },
      subscription: { begin: () => note('charge') },
      claims: {
        name: (delivery) => void (delivery.claim = {} as never),
        take: (_, told) => {
          void note('dedupe');
          told('held');
        },
        lookAgain: 1,
      },
      inbox: { run: () => note('inbox').then(() => ({ duplicate: true as const })) },
      chaining: {
        recognise: (delivery, next) => {
          void note('recognise');
          return next(delivery);
        },
        duplicateStep: () => undefined,
      },
    }),
  );
  return {
    async pass(eventType: string, lease: Partial<Lease> = {}): Promise<readonly string[]> {
      asked.length = 0;
      const fields = ['event_type', eventType, 'payload', '1'];
      const whole = { stream: 's', id: '1-0', attempt: 1, charged: true, fields, ...lease };
      await run(new Delivery(whole as Lease, 'g', 'c'));
      return [...asked];
    },
  };
}

/** Fields of a message that is a step of a workflow. */
const stepOf = (eventType: string): readonly string[] => [
  ...['event_type', eventType, 'payload', '1'],
  ...['metadata', '{"workflow":"s/1-0/g 1 1-0"}'],
];

const once = { key: () => 'k', ttl: 1 };

describe('the pipeline', () => {
  it('takes a message through those stages only that its handler needs', async () => {
    const pipeline = pipelineOf({
      plain: {},
      chains: { chains: true },
      slow: { timeout: 5 },
      dedupes: { dedupe: once as never },
      writes: { inbox: once as never, chains: true },
    });
    expect(await pipeline.pass('plain')).toEqual([]);
    expect(await pipeline.pass('chains')).toEqual([]);
    expect(await pipeline.pass('chains', { fields: stepOf('chains') })).toEqual(['recognise']);
    expect(await pipeline.pass('plain', { fields: stepOf('plain') })).toEqual([]);
    expect(await pipeline.pass('slow')).toEqual(['timeout']);
    expect(await pipeline.pass('dedupes')).toEqual(['dedupe']);
    expect(await pipeline.pass('writes', { fields: stepOf('writes') })).toEqual([
      'recognise',
      'inbox',
    ]);
    expect(await pipeline.pass('plain')).toEqual([]);
  });

  it('counts a run that no read has counted, and no other', async () => {
    const pipeline = pipelineOf({ plain: {} });
    expect(await pipeline.pass('plain')).toEqual([]);
    expect(await pipeline.pass('plain', { charged: false })).toEqual(['charge']);
    expect(await pipeline.pass('plain')).toEqual([]);
  });

  it('dead-letters an entry that comes back with its runs used up', async () => {
    const pipeline = pipelineOf({ plain: { maxDeliveries: 2 } });
    expect(await pipeline.pass('plain', { charged: false, attempt: 2 })).toEqual([]);
    expect(await pipeline.pass('plain', { charged: false, attempt: 1 })).toEqual(['charge']);
  });
});
