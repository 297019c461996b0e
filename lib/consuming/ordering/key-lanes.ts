import type { Delivery } from '../../core/delivery.js';

/** One lane per key. Its first delivery is at work, the others wait behind it in their order. */
export class KeyLanes {
  /** The waiting deliveries of each lane. A lane without any has one at work. */
  private readonly lanes = new Map<string, Delivery[]>();
  private count = 0;

  /** Number of deliveries that wait behind others. */
  get waiting(): number {
    return this.count;
  }

  /** @returns true: the lane was free, and the delivery is at work now; false: it waits */
  enter(key: string, delivery: Delivery): boolean {
    const lane = this.lanes.get(key);
    if (lane) {
      lane.push(delivery);
      this.count++;
    } else this.lanes.set(key, []);
    return !lane;
  }

  /** Call it when the delivery at work is done. @returns the next one, which is at work now */
  leave(key: string): Delivery | undefined {
    const next = this.lanes.get(key)?.shift();
    if (next) this.count--;
    else this.lanes.delete(key);
    return next;
  }

  /** Removes and returns the deliveries that wait behind the one at work, which keeps its lane. */
  takeBehind(key: string): Delivery[] {
    return this.takeOf(this.lanes.get(key) ?? [], () => true);
  }

  /** Removes and returns waiting deliveries that pass the test. Those at work keep their lanes. */
  take(wanted: (delivery: Delivery) => boolean): Delivery[] {
    return [...this.lanes.values()].flatMap((lane) => this.takeOf(lane, wanted));
  }

  private takeOf(lane: Delivery[], wanted: (delivery: Delivery) => boolean): Delivery[] {
    const taken = lane.filter(wanted);
    const rest = lane.filter((delivery) => !wanted(delivery));
    lane.splice(0, lane.length, ...rest);
    this.count -= taken.length;
    // What becomes of them changes nothing for the delivery at work.
    for (const delivery of taken) delivery.orderKey = undefined;
    return taken;
  }
}
