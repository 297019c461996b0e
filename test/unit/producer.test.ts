import type { MessageSource } from '../../lib/ports/source.js';
import { standIn } from '../support/stand-in.js';
import { describe, expect, it } from 'vitest';
import { jsonCodec } from '../../lib/core/codecs/json.codec.js';
import { Producer } from '../../lib/publishing/producer.js';
import type { OutgoingEntry } from '../../lib/core/message.js';
import type { DelayStore } from '../../lib/ports/delays.js';
import { createRouter } from '../../lib/core/routing.js';

const OPTIONS = {
  codec: jsonCodec,
  route: createRouter([{ events: 'a.*', stream: 'as' }]),
  maxPayloadBytes: 100,
  delays: undefined,
  onScheduled: () => undefined,
  idempotencyWindow: 60_000,
};

const producer = (maxPayloadBytes = 100) =>
  new Producer(standIn<MessageSource>({ capabilities: { technology: 'redis' } }), {
    ...OPTIONS,
    maxPayloadBytes,
  });

describe('the producer', () => {
  it('routes and encodes, and writes no field that says nothing', () => {
    expect(producer().encode({ eventType: 'a.x', payload: { n: 1 }, metadata: {} })).toEqual({
      stream: 'as',
      fields: ['event_type', 'a.x', 'payload', '{"n":1}'],
    });
    expect(
      producer().encode({ eventType: 'x', stream: 's', payload: 1, metadata: { k: 'v' } }),
    ).toEqual({
      stream: 's',
      fields: ['event_type', 'x', 'payload', '1', 'metadata', '{"k":"v"}'],
    });
  });

  it('counts bytes, not characters, and lets exactly the limit pass', () => {
    // Encoded as JSON: two quotes and 49 times two bytes.
    const payload = 'é'.repeat(49);
    expect(() => producer(100).encode({ eventType: 'x', payload })).not.toThrow();
    expect(() => producer(99).encode({ eventType: 'x', payload })).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE', size: 100, limit: 99 }),
    );
  });

  it('refuses what no handler could be told apart by', () => {
    const invalid = expect.objectContaining({ code: 'INVALID_MESSAGE' });
    expect(() => producer().encode({ eventType: '', payload: 1 })).toThrow(invalid);
    expect(() => producer().encode({ eventType: 'a.*', payload: 1 })).toThrow(invalid);
    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    expect(() => producer().encode({ eventType: 'x', payload: circular })).toThrow(invalid);
    expect(() => producer().encode({ eventType: 'x', payload: 1n })).toThrow(invalid);
  });

  it('refuses everything once closed', () => {
    const closed = producer();
    closed.close();
    expect(() => closed.encode({ eventType: 'x', payload: 1 })).toThrow(
      expect.objectContaining({ code: 'CLOSED' }),
    );
  });

  it('hands entries to the source within a transaction of the application', async () => {
    const given: unknown[] = [];
    const scheduled: string[] = [];
    const source = standIn<MessageSource>({
      capabilities: {},
      publishWithin: async (transaction: unknown, entries: readonly OutgoingEntry[]) => {
        given.push(transaction, entries);
        return entries.map((_, index) => `${index + 1}`);
      },
    });
    const options = { ...OPTIONS, delays: standIn<DelayStore>({}) };
    const within = new Producer(source, {
      ...options,
      onScheduled: (stream) => scheduled.push(stream),
    });
    const transaction = { query: async () => ({ rows: [] }) };
    const messages = [
      { eventType: 'a.x', payload: 1 },
      { eventType: 'b', payload: 2, delay: 5 },
    ];
    expect(await within.publishWithin(transaction, messages)).toEqual(['1', '2']);
    expect(given[0]).toBe(transaction);
    expect(given[1]).toMatchObject([{ stream: 'as' }, { stream: 'b', when: { in: 5 } }]);
    expect(scheduled).toEqual(['b']);
  });

  it('names the outbox where the source has no transactions of the application', async () => {
    const transaction = { query: async () => ({ rows: [] }) };
    const refused = producer().publishWithin(transaction, [{ eventType: 'x', payload: 1 }]);
    await expect(refused).rejects.toMatchObject({
      code: 'UNSUPPORTED_FEATURE',
      message: expect.stringContaining('Use the outbox'),
    });
  });
});
