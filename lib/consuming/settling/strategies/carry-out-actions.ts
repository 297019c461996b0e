import { asError } from '../../../core/errors/error-record.js';
import type { Lease, LeaseState } from '../../../core/lease.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { ack, type DecidedAction } from '../../../core/settlement.js';
import type { DeadLetterRecord } from '../../../core/dead-letter-record.js';
import type { DeadLetterQueue } from '../../../ports/dead-letters.js';
import type { MessageSource, Settle, Settling } from '../../../ports/source.js';

export interface CarryOutOptions {
  readonly source: Pick<MessageSource, 'capabilities' | 'publish'>;
  /** A queue in place of the source's own. */
  readonly deadLetterQueue: DeadLetterQueue | undefined;
}

/**
 * Carries out what was decided for messages that are given up. Where the source cannot do so in the
 * step of the acknowledgement, the message is stored or forwarded first, and then acknowledged: a
 * crash between the two stores it twice, and loses nothing. A queue that fails holds up only its own
 * dead letters.
 * @param holds called before anything is stored or dropped: a run that lost its entry must not give
 * the message up
 */
export function carryOutActions(
  settle: Settle,
  { source, deadLetterQueue }: CarryOutOptions,
  holds: (leases: readonly Lease[]) => Promise<ReadonlyMap<Lease, LeaseState>>,
): Settle {
  /** Only the acknowledgement is left to do. */
  const done = new WeakSet<Lease>();

  async function prepare(settling: Settling): Promise<Settling | 'lost'> {
    if (!('record' in settling)) return settling;
    const { lease, settlement, record } = settling;
    const { action = 'queue' } = settlement;
    // The source itself does this, behind the fence.
    if (action === 'hold' || (action === 'queue' && !deadLetterQueue)) return settling;
    if (isForward(action) && !publishesFirst(source))
      return { lease, settlement: { kind: 'ack', publish: [action.forward] } };
    if (!done.has(lease)) {
      // Nothing was settled here yet, so an entry that is gone was settled by another consumer.
      if ((await holds([lease])).get(lease) !== 'held') return 'lost';
      await act(action, record, lease);
    }
    done.add(lease);
    return { lease, settlement: ack };
  }

  async function act(action: DecidedAction, record: DeadLetterRecord, lease: Lease): Promise<void> {
    if (action === 'queue') await deadLetterQueue!.put(record, lease.fields ?? []);
    else if (isForward(action)) await publish(source, action.forward);
  }

  return (batch) => (batch.some((one) => 'record' in one) ? carryOut(batch) : settle(batch));

  async function carryOut(batch: readonly Settling[]): ReturnType<Settle> {
    const ready = await Promise.all(
      batch.map((settling) => prepare(settling).catch((error: unknown) => asError(error))),
    );
    const outcomes = await settle(ready.filter(isSettling));
    let next = 0;
    return ready.map((one) => (isSettling(one) ? outcomes[next++]! : one));
  }
}

/** The key of the entry makes a second publication harmless, where the source knows keys. */
const publishesFirst = ({ capabilities }: Pick<MessageSource, 'capabilities'>): boolean =>
  !capabilities.atomicPublish && (capabilities.idempotentPublish ?? false) !== false;

async function publish(
  source: Pick<MessageSource, 'publish'>,
  entry: OutgoingEntry,
): Promise<void> {
  const [result] = await source.publish([entry]);
  if (result instanceof Error) throw result;
}

const isForward = (action: DecidedAction): action is { readonly forward: OutgoingEntry } =>
  typeof action === 'object';

const isSettling = (one: Settling | Error | 'lost'): one is Settling =>
  typeof one !== 'string' && !(one instanceof Error);
