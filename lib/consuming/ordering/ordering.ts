import type { Codec } from '../../core/codecs/codec.js';
import type { Delivery } from '../../core/delivery.js';
import type { ConsumerPlan } from '../plan/plan.js';
import { decodeMessage } from '../middleware/decode.middleware.js';
import type { HandlerTable } from '../plan/handler-table.js';
import { KeyLanes } from './key-lanes.js';

/** Undefined where nothing is in order. */
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

  /** Deliveries that wait for others of their key. */
  get waiting(): number {
    return this.lanes.waiting;
  }

  /** False: no handler here takes it. What cannot be read is left to the pipeline, which says so. */
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
   * @returns whether it may start now; else it comes out of {@link after} in its turn
   * @throws what the handler's `orderBy` throws
   */
  admits(delivery: Delivery): boolean {
    const key = this.keyOf(delivery);
    if (key === undefined) return true;
    delivery.orderKey = key;
    return this.lanes.enter(key, delivery);
  }

  /** This one is done. @returns the one that may start now */
  after({ orderKey }: Delivery): Delivery | undefined {
    return orderKey === undefined ? undefined : this.lanes.leave(orderKey);
  }

  /** Those that wait, which is nobody afterwards. Those at work keep their keys. */
  takeAll(): Delivery[] {
    return this.lanes.takeAll();
  }

  /** What was redriven has missed its turn. */
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
      // The pipeline comes upon the same, and says so.
      return undefined;
    }
    return orderBy(delivery.message);
  }
}
