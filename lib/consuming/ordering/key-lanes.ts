import type { Delivery } from '../../core/delivery.js';

/** One lane per key: its first delivery is at work, the others wait behind it, in the order they came. */
export class KeyLanes {
  /** Those that wait. A lane without any is at work all the same. */
  private readonly lanes = new Map<string, Delivery[]>();
  private count = 0;

  /** Deliveries that wait behind others. */
  get waiting(): number {
    return this.count;
  }

  /** @returns whether its lane was free: it is at work now, else it waits */
  enter(key: string, delivery: Delivery): boolean {
    const lane = this.lanes.get(key);
    if (lane) {
      lane.push(delivery);
      this.count++;
    } else this.lanes.set(key, []);
    return !lane;
  }

  /** The one at work is done. @returns the next one, which is at work now */
  leave(key: string): Delivery | undefined {
    const next = this.lanes.get(key)?.shift();
    if (next) this.count--;
    else this.lanes.delete(key);
    return next;
  }

  /** Says who waits, which is nobody afterwards. Those at work keep their lanes. */
  takeAll(): Delivery[] {
    this.count = 0;
    return [...this.lanes.values()].flatMap((lane) => lane.splice(0));
  }
}
