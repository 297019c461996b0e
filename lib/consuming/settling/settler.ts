import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type { Delivery } from '../../core/delivery.js';
import type { Lease } from '../../core/lease.js';
import { deadLetterRecord } from './dead-letter-record.js';
import { Lane, SettlingItem, type Item, type LaneOptions, type Reported } from './settling-lane.js';

export interface SettlerOptions extends Omit<LaneOptions, 'onUnheld'> {
  /** What becomes of dead letters that cannot be held. */
  readonly unheld: 'queue' | 'drop';
  /** What a settlement needs beside the source. @default nothing */
  readonly storeOf?: ((settlement: Reported, lease: Lease) => OtherStore | undefined) | undefined;
}

/** Fewer lanes than these are all kept. */
const FEW_LANES = 64;

/** A store of its own slot, which may be slow or down while the source is not. */
export type OtherStore = 'dead letter queue' | 'state store' | 'both';

/**
 * Brings settlements to the source, lane by lane: a part of the source, or a store of another slot,
 * that cannot be reached holds up no other lane.
 */
export class Settler {
  /** Number of settlements whose outcome is not known yet. */
  pending = 0;
  private abandoned = false;
  private readonly deciding = new Set<Promise<void>>();
  private readonly lanes = new Map<unknown, Lane>();
  private readonly lanesApart = {
    'dead letter queue': new Map<unknown, Lane>(),
    'state store': new Map<unknown, Lane>(),
    both: new Map<unknown, Lane>(),
  };

  private readonly laneOptions: LaneOptions;
  /** Idle lanes are dropped when there are as many. */
  private mostLanes = FEW_LANES;

  constructor(private readonly options: SettlerOptions) {
    this.laneOptions = { ...options, onUnheld: (item) => this.keepOtherwise(item) };
  }

  /**
   * Does nothing once settlements were given up.
   * @param record of a dead letter. @default made now
   */
  add(
    delivery: Delivery,
    settlement: Reported,
    onConcluded?: () => void,
    record?: DeadLetterRecord,
  ): void {
    if (this.abandoned) return onConcluded?.();
    const item = new SettlingItem(delivery, settlement, onConcluded) as Item;
    const name = item.lease.lane;
    const store = this.options.storeOf?.(settlement, item.lease);
    const lanes = store === undefined ? this.lanes : this.lanesApart[store];
    const lane = lanes.get(name) ?? this.addLane(lanes, name);
    if (settlement.kind === 'ack') lane.add(item, settlement.reply !== undefined);
    else if (settlement.kind !== 'dead-letter') lane.add(item, false);
    else {
      const { clock } = this.options;
      record ??= deadLetterRecord(delivery, settlement, clock.wallTime());
      lane.add({ ...item, settlement, record }, false);
    }
  }

  /** Counts a settlement that is being decided, and is added then. */
  await(decided: Promise<void>): void {
    this.pending++;
    const deciding = decided.finally(() => {
      this.pending--;
      this.deciding.delete(deciding);
    });
    this.deciding.add(deciding);
  }

  /** Resolves when everything is settled, including settlements added while waiting. */
  async idle(): Promise<void> {
    // What follows from a settlement of one lane may be settled in another.
    do await Promise.all([...this.deciding, ...this.all().map((lane) => lane.idle())]);
    while (this.pending > 0 && !this.abandoned);
  }

  /**
   * Gives up settlements that could not be carried out, and those that come later: the source hands
   * their entries to another consumer.
   */
  abandon(): void {
    this.abandoned = true;
    for (const lane of this.all()) lane.abandon();
  }

  private keepOtherwise({ delivery, settlement, onConcluded, ...rest }: Item): void {
    if (this.abandoned || settlement.kind !== 'dead-letter') return;
    const record = 'record' in rest ? rest.record : undefined;
    this.add(delivery, { ...settlement, action: this.options.unheld }, onConcluded, record);
  }

  /**
   * Makes a lane. Drops idle ones where their number has doubled: partitions come and go, and their lanes would
   * stay.
   */
  private addLane(lanes: Map<unknown, Lane>, name: unknown): Lane {
    if (lanes.size >= this.mostLanes) {
      for (const [other, { pending }] of lanes) if (pending === 0) lanes.delete(other);
      this.mostLanes = Math.max(FEW_LANES, 2 * lanes.size);
    }
    const lane = new Lane(this.laneOptions, this);
    lanes.set(name, lane);
    return lane;
  }

  private all(): Lane[] {
    return [this.lanes, ...Object.values(this.lanesApart)].flatMap((lanes) => [...lanes.values()]);
  }
}
