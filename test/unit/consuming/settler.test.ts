import { describe, expect, it } from 'vitest';
import { Settler } from '../../../lib/consuming/settling/settler.js';
import { carryOutActions } from '../../../lib/consuming/settling/strategies/carry-out-actions.js';
import type { DeadLetterQueue } from '../../../lib/ports/dead-letters.js';
import { Delivery } from '../../../lib/core/delivery.js';
import { PayloadTooLargeError } from '../../../lib/core/errors/publishing.errors.js';
import { EventBus } from '../../../lib/core/event-bus.js';
import type { LeaseState, Lease } from '../../../lib/core/lease.js';
import { ack, deadLetter, retry, type SettleOutcome } from '../../../lib/core/settlement.js';
import type { MessageSource, Settling } from '../../../lib/ports/source.js';
import { ManualClock } from '../../../lib/drivers/memory/index.js';
import { standIn } from '../../support/stand-in.js';

type Answer = (batch: readonly Settling[]) => Promise<(SettleOutcome | Error)[]>;

function settler(answer: Answer, deadLetters?: DeadLetterQueue) {
  const clock = new ManualClock();
  const events = new EventBus();
  const settled: string[] = [];
  const refused: string[] = [];
  /** Entries that another consumer has settled. */
  const gone = new Set<string>();
  const hold = (lease: Lease): [Lease, LeaseState] => {
    if (gone.has(lease.id)) return [lease, 'gone'];
    return [lease, lease.id === 'stale' ? 'lost' : 'held'];
  };
  const batches: number[] = [];
  const settle = (batch: readonly Settling[]) => {
    batches.push(batch.length);
    return answer(batch);
  };
  const it = new Settler({
    settle: deadLetters
      ? carryOutActions(
          settle,
          { source: standIn<MessageSource>({}), deadLetterQueue: deadLetters },
          async (leases) => new Map(leases.map(hold)),
        )
      : settle,
    unheld: 'queue',
    clock,
    events,
    onProgress: () => undefined,
    onRefused: ({ delivery }, error) => void refused.push(`${delivery.id} ${error.message}`),
    onSettled: (delivery, settlement, outcome) =>
      settled.push(`${delivery.id} ${settlement.kind} ${outcome}`),
  });
  return { it, clock, events, settled, refused, gone, batches };
}

const delivery = (id: string) =>
  new Delivery(
    standIn<Lease>({ id, stream: 's', attempt: 1, publishedAt: 0, fields: ['a', 'b'] }),
    'g',
    'c',
  );

describe('the settler', () => {
  it('gathers while a batch is under way', async () => {
    const s = settler(async (batch) => {
      if (s.batches.length === 1) for (const id of ['2', '3', '4']) s.it.add(delivery(id), ack);
      return batch.map(() => 'settled');
    });
    s.it.add(delivery('1'), ack);
    await s.it.idle();
    expect(s.batches).toEqual([1, 3]);
    expect(s.settled).toHaveLength(4);
  });

  it('forgets lanes that are not used any more, and none that has something to settle', async () => {
    const s = settler((batch) =>
      batch[0]!.lease.id === '0'
        ? new Promise(() => undefined)
        : Promise.resolve(batch.map(() => 'settled')),
    );
    const lanes = Reflect.get(s.it, 'lanes') as Map<unknown, unknown>;
    const first = {};
    for (let id = 0; id < 1000; id++) {
      const one = delivery(String(id));
      // As partitions that come and go.
      Object.assign(one.lease, { lane: id === 0 ? first : {} });
      s.it.add(one, ack);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(s.settled).toHaveLength(999);
    expect(lanes.size).toBeLessThan(130);
    expect(lanes.has(first)).toBe(true);
    s.it.abandon();
    await s.it.idle();
  });

  it('lets a lane that hangs hold up no other', async () => {
    const s = settler((batch) =>
      batch[0]!.lease.lane === 'away'
        ? new Promise(() => undefined)
        : Promise.resolve(batch.map(() => 'settled')),
    );
    const inLane = (id: string, lane: string) => {
      const one = delivery(id);
      Object.assign(one.lease, { lane });
      return one;
    };
    s.it.add(inLane('1', 'away'), ack);
    for (const id of ['2', '3']) {
      s.it.add(inLane(id, 'here'), ack);
      await new Promise((resolve) => setImmediate(resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(s.settled).toEqual(['2 ack settled', '3 ack settled']);
    expect(s.it.pending).toBe(1);
    s.it.abandon();
    await s.it.idle();
  });

  it('waits also for what another lane gets in the meantime', async () => {
    const late = Object.assign(delivery('2'), { lease: { ...delivery('2').lease, lane: 'other' } });
    const s = settler(async (batch) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (s.batches.length === 1) s.it.add(late, ack);
      return batch.map(() => 'settled');
    });
    s.it.add(delivery('1'), ack);
    await s.it.idle();
    expect(s.settled).toEqual(['1 ack settled', '2 ack settled']);
  });

  it('settles again what failed, and only that, with growing waits', async () => {
    let down = true;
    const s = settler(async (batch) =>
      batch.map(({ lease }) => (down && lease.id === '2' ? new Error('down') : 'settled')),
    );
    const errors: string[] = [];
    s.events.on('worker-error', ({ error }) => errors.push(error.message));
    s.it.add(delivery('1'), ack);
    s.it.add(delivery('2'), ack);
    await s.clock.advance(0);
    expect(s.settled).toEqual(['1 ack settled']);
    await s.clock.advance(1000);
    down = false;
    await s.clock.advance(10_000);
    await s.it.idle();
    expect(s.settled).toEqual(['1 ack settled', '2 ack settled']);
    expect(errors.length).toBeGreaterThan(1);
    expect(errors.length).toBeLessThan(6);
  });

  it('tries what can never be published once, and all else again, also what follows nothing', async () => {
    let down = true;
    const never = new PayloadTooLargeError(2, 1, 'x');
    const s = settler(async (batch) =>
      batch.map(({ lease: { id } }) => {
        if (id === 'never') return never;
        if (!down) return 'settled';
        return id === 'plain' ? never : new Error('down');
      }),
    );
    const publish = [{ stream: 't', fields: ['a', 'b'] }];
    const told: unknown[] = [];
    s.events.on('worker-error', ({ settling }) => told.push(settling));
    s.it.add(delivery('never'), { ...ack, publish });
    s.it.add(delivery('plain'), ack);
    s.it.add(delivery('later'), { ...ack, publish });
    await s.clock.advance(0);
    expect([s.refused, s.settled, s.it.pending]).toEqual([[`never ${never.message}`], [], 2]);
    expect(told).toEqual([{ stream: 's', group: 'g', id: 'later', handler: undefined }]);
    down = false;
    await s.clock.advance(1000);
    await s.it.idle();
    expect(s.settled.sort()).toEqual(['later ack settled', 'plain ack settled']);
    expect(s.refused).toHaveLength(1);
  });

  it('takes gone for settled where an earlier try may have been carried out', async () => {
    let calls = 0;
    const s = settler(async () => [calls++ === 0 ? new Error('connection lost') : 'gone']);
    s.it.add(delivery('1'), retry(5));
    await s.clock.advance(1000);
    await s.it.idle();
    expect(s.settled).toEqual(['1 retry settled']);
  });

  it('survives a source that throws', async () => {
    let calls = 0;
    const s = settler(async (batch) => {
      if (calls++ === 0) throw new Error('bug');
      return batch.map(() => 'settled');
    });
    s.it.add(delivery('1'), ack);
    await s.clock.advance(1000);
    await s.it.idle();
    expect(s.settled).toEqual(['1 ack settled']);
  });

  it('stores in another queue first, and acks only then', async () => {
    const log: string[] = [];
    let broken = true;
    const queue = standIn<DeadLetterQueue>({
      put: async (record: { reason: string }, fields: readonly string[]) => {
        if (broken) throw new Error('queue is down');
        log.push(`put ${record.reason} ${fields.join()}`);
        return '1';
      },
    });
    let unsettled = 1;
    const s = settler(async (batch) => {
      log.push(...batch.map(({ settlement, lease }) => `${settlement.kind} ${lease.id}`));
      return batch.map(({ lease }) =>
        lease.id === '1' && unsettled-- > 0 ? new Error('down') : 'settled',
      );
    }, queue);
    s.it.add(delivery('1'), deadLetter('unmatched'));
    s.it.add(delivery('stale'), deadLetter('unmatched'));
    s.it.add(delivery('2'), ack);
    await s.clock.advance(0);
    expect(s.settled).toContain('stale dead-letter lost');
    // The broken queue holds up its own letters alone.
    expect(log).toEqual(['ack 2']);
    broken = false;
    await s.clock.advance(10_000);
    await s.it.idle();
    // Stored once, though acknowledging it had to be repeated.
    expect(log).toEqual(['ack 2', 'put unmatched a,b', 'ack 1', 'ack 1']);
  });

  it('tells of no dead letter where another consumer has settled the entry while the queue was down', async () => {
    const letters: string[] = [];
    let broken = true;
    const queue = standIn<DeadLetterQueue>({
      put: async (record: { id: string }) => {
        if (broken) throw new Error('queue is down');
        letters.push(record.id);
        return record.id;
      },
    });
    const s = settler(async (batch) => batch.map(() => 'settled'), queue);
    s.it.add(delivery('1'), deadLetter('crashed'));
    await s.clock.advance(0);
    s.gone.add('1');
    broken = false;
    await s.clock.advance(10_000);
    await s.it.idle();
    expect([letters, s.settled]).toEqual([[], ['1 dead-letter lost']]);
  });

  it('ends waiting when it gives up', async () => {
    const s = settler(async (batch) => batch.map(() => new Error('down')));
    s.it.add(delivery('1'), ack);
    await s.clock.advance(0);
    const idle = s.it.idle();
    s.it.abandon();
    await idle;
    expect(s.settled).toEqual([]);
  });

  it('sends nothing that comes after it has given up, however the entry is settled', async () => {
    const s = settler(async (batch) => batch.map(() => new Error('closed')));
    s.it.abandon();
    const concluded: string[] = [];
    s.it.add(delivery('1'), ack, () => concluded.push('1'));
    s.it.add(delivery('2'), deadLetter('crashed'), () => concluded.push('2'));
    await s.clock.advance(60_000);
    expect([s.batches, concluded, s.it.pending]).toEqual([[], ['1', '2'], 0]);
  });
});
