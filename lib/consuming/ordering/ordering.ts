import type { Codec } from '../../core/codecs/codec.js';
import type { Delivery } from '../../core/delivery.js';
import type { MessageSource } from '../../ports/source.js';
import type { ConsumerPlan } from '../plan/plan.js';
import { decodeMessage } from '../middleware/decode.middleware.js';
import type { HandlerTable } from '../plan/handler-table.js';
import { KeyLanes } from './key-lanes.js';

/** Undefined where the plan is not ordered. */
export function orderingOf({
  plan,
  codec,
  source,
}: {
  readonly plan: ConsumerPlan;
  readonly codec: Codec;
  readonly source: Pick<MessageSource, 'capabilities'>;
}): Ordering | undefined {
  if (!plan.ordered) return undefined;
  return new Ordering(plan.tables, codec, source.capabilities.holds === 'partition');
}

/**
 * Lets deliveries of one key start one after the other, and all others at once. Where the source has
 * partitions, each partition has keys of its own.
 */
export class Ordering {
  private readonly lanes = new KeyLanes();
  private releases = 0;

  /**
   * @param takesBack entries that are given back come again to this consumer, in the order of their
   * partition; otherwise it ends when it gives entries back
   */
  constructor(
    private readonly tables: ReadonlyMap<string, HandlerTable>,
    private readonly codec: Codec,
    private readonly takesBack: boolean,
  ) {}

  /**
   * Entries are being given back. Until the source has them, an entry that comes would overtake
   * them: it has to be given back, too.
   */
  get isGivingBack(): boolean {
    return this.releases > 0;
  }

  /** Number of deliveries that wait for others of their key. */
  get waiting(): number {
    return this.lanes.waiting;
  }

  /**
   * False: no handler of this consumer takes the event. An entry that cannot be read is left to the
   * pipeline, which reports it.
   */
  handles(delivery: Delivery): boolean {
    const { fields, stream } = delivery.lease;
    try {
      delivery.eventType = this.codec.eventType(fields!, stream);
    } catch {
      return true;
    }
    return this.tables.get(stream)!.find(delivery.eventType) !== undefined;
  }

  /**
   * @returns whether it may start now; otherwise {@link after} returns it in its turn
   * @throws what the handler's `orderBy` throws
   */
  admits(delivery: Delivery): boolean {
    const key = this.keyOf(delivery);
    if (key === undefined) return true;
    delivery.orderKey = key;
    return this.lanes.enter(key, delivery);
  }

  /** Call it when the delivery is done. @returns the one that may start now */
  after({ orderKey }: Delivery): Delivery | undefined {
    return orderKey === undefined ? undefined : this.lanes.leave(orderKey);
  }

  /** Removes and returns waiting deliveries that pass the test. Those at work keep their keys. */
  take(wanted: (delivery: Delivery) => boolean = () => true): Delivery[] {
    return this.lanes.take(wanted);
  }

  /**
   * Call it when the source is asked to take the delivery back.
   * @returns the deliveries that waited for it: they are to be given back, too
   */
  givesBack({ orderKey }: Delivery): readonly Delivery[] {
    if (!this.takesBack) return [];
    this.releases++;
    return orderKey === undefined ? [] : this.lanes.takeBehind(orderKey);
  }

  /** Call it when the source has taken a delivery back, or has refused to. */
  gaveBack(): void {
    if (this.takesBack) this.releases--;
  }

  /** A redriven message is in no order: it has missed its turn. */
  private keyOf(delivery: Delivery): string | undefined {
    const { fields, stream, redriven, partition } = delivery.lease;
    if (redriven) return undefined;
    let orderBy;
    try {
      delivery.eventType = this.codec.eventType(fields!, stream);
      orderBy = this.tables.get(stream)!.find(delivery.eventType)?.orderBy;
      if (!orderBy) return undefined;
      delivery.message = decodeMessage(delivery, this.codec);
    } catch {
      // The pipeline fails in the same way, and reports it.
      return undefined;
    }
    const key = orderBy(delivery.message);
    return partition === undefined ? key : `${partition} ${key}`;
  }
}
