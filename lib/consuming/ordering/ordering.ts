import type { Codec } from '../../core/codecs/codec.js';
import type { Delivery } from '../../core/delivery.js';
import type { ConsumerPlan } from '../plan/plan.js';
import { decodeMessage } from '../middleware/decode.middleware.js';
import type { HandlerTable } from '../plan/handler-table.js';
import { KeyLanes } from './key-lanes.js';

/** Undefined where the plan is not ordered. */
export function orderingOf({
  plan,
  codec,
}: {
  readonly plan: ConsumerPlan;
  readonly codec: Codec;
}): Ordering | undefined {
  return plan.ordered ? new Ordering(plan.tables, codec) : undefined;
}

/** Lets deliveries of one key start one after the other, and all others at once. */
export class Ordering {
  private readonly lanes = new KeyLanes();

  constructor(
    private readonly tables: ReadonlyMap<string, HandlerTable>,
    private readonly codec: Codec,
  ) {}

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

  /** Removes and returns all waiting deliveries. Those at work keep their keys. */
  takeAll(): Delivery[] {
    return this.lanes.takeAll();
  }

  /** A redriven message is in no order: it has missed its turn. */
  private keyOf(delivery: Delivery): string | undefined {
    const { fields, stream, redriven } = delivery.lease;
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
    return orderBy(delivery.message);
  }
}
