import { describe, expect, it } from 'vitest';
import { Delivery } from '../../lib/core/delivery.js';
import { EventBus } from '../../lib/core/event-bus.js';
import { jsonCodec } from '../../lib/core/codecs/json.codec.js';
import type { Lease } from '../../lib/core/lease.js';
import { ManualClock } from '../../lib/drivers/memory/index.js';
import { keyedEntry } from '../../lib/outbox/outcomes.js';
import { next } from '../../lib/workflows/instructions.js';
import { NextSteps, type StepMessage } from '../../lib/workflows/next-steps.js';
import { standIn } from '../support/stand-in.js';

describe('the key of what follows', () => {
  it('from a step of a workflow is that of its message, unless the step has its own', () => {
    const keys: (string | undefined)[] = [];
    const encode = ({ key }: StepMessage) => {
      keys.push(key);
      return { stream: 'next', fields: ['event_type', 'next', 'payload', '1'] };
    };
    const steps = new NextSteps({
      ...{ encode, codec: jsonCodec, clock: new ManualClock(), events: new EventBus() },
      ...{ maxPayloadBytes: 1000, technology: 'log', stored: false },
    });
    for (const key of ['order-1', '', undefined]) {
      const lease = standIn<Lease>({ id: '0-1', stream: 's', attempt: 1, publishedAt: 0, key });
      const delivery = new Delivery(lease, 'g', 'c');
      Object.assign(delivery, { handler: { plainInstructions: false }, message: { metadata: {} } });
      expect(steps.chain(delivery, next('next', {}), undefined)).toMatchObject({ kind: 'ack' });
      steps.chain(delivery, next('next', {}, { key: 'own' }), undefined);
    }
    expect(keys).toEqual(['order-1', 'own', '', 'own', undefined, 'own']);
  });

  it('from the outbox is that of its row, and none where the row has none', () => {
    const entry = { stream: 'orders', fields: ['event_type', 'x', 'payload', '1'] };
    const row = { id: '1', name: 'n', refusals: 0, entry };
    expect(keyedEntry({ ...row, key: 'order-1' }, 1000)).toMatchObject({ key: 'order-1' });
    // A row without a key has the name of its stream there.
    expect(keyedEntry({ ...row, key: 'orders' }, 1000)).not.toHaveProperty('key');
  });
});
