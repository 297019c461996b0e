import { asError } from '../../core/errors/error-record.js';
import type { Clock } from '../../core/clock.js';
import type { Delivery } from '../../core/delivery.js';
import { isLost, isOurs } from '../../core/delivery-state.js';
import { grouped, join } from '../../core/collections/grouped.js';
import type { UnhandledWaits } from '../../core/unhandled-waits.js';
import type { EventBus } from '../../core/event-bus.js';
import type { BeginOutcome } from '../../core/lease.js';
import type { LiveConsumer } from '../../ports/live-consumers.js';
import { release, taken, type Settlement } from '../../core/settlement.js';
import type { Subscription } from '../../ports/subscription.js';
import type { HandlerTable } from '../plan/handler-table.js';
import type { FilteredTypes } from '../plan/filtered-types.js';
import { decide, LOOK_AGAIN, type Decision } from './unhandled-decision.js';
import { GroupDirectory } from './group-directory.js';
import type { GroupReading } from './group-reading.js';
import type { LiveParts, Presence } from './presence.js';
import { Transfers, type Ends } from './transfers.js';

/** Wait before asking receivers again that hold as much as they can, in milliseconds. */
const FULL_AGAIN = 200;

export interface HandOverOptions {
  readonly live: LiveParts;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly group: string;
  readonly tables: ReadonlyMap<string, HandlerTable>;
  readonly idleTimeout: number;
  readonly maxParked: number;
  readonly filteredTypes: FilteredTypes;
  readonly subscription: Pick<Subscription, 'begin'>;
  readonly ends: Ends;
  /** Whether deliveries of the same stream must not start now. */
  readonly isHalted: (delivery: Delivery) => boolean;
  /** Gives an ordered stream up. Undefined: its streams are in no order. */
  readonly onYield: ((delivery: Delivery) => void) | undefined;
}

/**
 * Finds another consumer of the group for events that no handler here takes, and hands them over.
 */
export class HandOver {
  private readonly directory: GroupDirectory;
  /** Deliveries that came in this turn of the event loop. */
  private arrived: Delivery[] = [];
  /** Deliveries that await a decision. */
  readonly undecided = new Set<Delivery>();
  readonly transfers: Transfers;

  constructor(private readonly options: HandOverOptions) {
    const { live, group, presence, clock } = options;
    this.directory = new GroupDirectory(live.port, group, presence.instance, clock);
    this.transfers = new Transfers({
      ...options,
      onFull: (delivery) => this.wait(delivery, 'full', FULL_AGAIN),
      onRefused: (delivery) => this.add(delivery),
      onUnknown: (delivery) => options.ends.postpone(delivery, LOOK_AGAIN),
      forget: (stream) => this.directory.forget(stream),
      onError: (error) => this.failed(error),
    });
  }

  /** The settlement of the delivery, or its next look, follows. */
  add(delivery: Delivery): void {
    if (this.arrived.length === 0) setImmediate(() => this.placeArrived());
    this.arrived.push(delivery);
    this.undecided.add(delivery);
  }

  /** Removes and returns deliveries that are not on their way yet and pass the test. */
  take(wanted: (delivery: Delivery) => boolean): Delivery[] {
    const taken = [...this.undecided].filter(wanted);
    for (const delivery of taken) this.undecided.delete(delivery);
    return taken;
  }

  /** Resolves when nothing is on its way to a receiver. */
  idle(): Promise<void> {
    return this.transfers.idle();
  }

  /**
   * Hands an entry to another live consumer that handles its event, also one that a handler here
   * takes. An entry that was handed over is reported as such.
   * @returns `kept`: no other consumer can take it now, and nothing has changed
   */
  async offer(delivery: Delivery): Promise<'handed' | 'kept' | 'lost'> {
    if (delivery.lease.owned || this.options.onYield) return 'kept';
    const reading = await this.read(this.registered(delivery));
    const to = reading?.receiverOf(delivery.eventType);
    if (!to) return 'kept';
    return this.transfers.offer(delivery, to);
  }

  /** Decides about one delivery now. Undefined: the registry could not be read. */
  async decide(delivery: Delivery): Promise<Decision | undefined> {
    const reading = await this.read(this.registered(delivery));
    return reading && this.decideBy(reading, delivery);
  }

  /** Acknowledges or dead-letters an event that no consumer takes. */
  async conclude(delivery: Delivery, settlement: Settlement): Promise<void> {
    const { ends, filteredTypes } = this.options;
    if (settlement.kind === 'ack') filteredTypes.tell(delivery);
    // A dead letter keeps the fields. A delivery that waited has none, so they are fetched again.
    if (settlement.kind === 'dead-letter' && !delivery.lease.fields) {
      const begun = await this.begin(delivery);
      if (begun === 'unknown' || begun === 'later') return ends.postpone(delivery, LOOK_AGAIN);
      if (begun !== 'started') return ends.settle(delivery, taken);
    }
    ends.settle(delivery, settlement);
  }

  /** Reports the first wait of a delivery. */
  tellOfWait(delivery: Delivery, why: UnhandledWaits): void {
    const { unhandled } = delivery;
    if (!unhandled || unhandled.told) return;
    unhandled.told = true;
    const { events, group } = this.options;
    const { stream, id, eventType } = delivery;
    events.emit('unhandled-waits', { stream, group, id, eventType, why });
  }

  private placeArrived(): void {
    const byStream = grouped(this.arrived, (delivery) => this.registered(delivery));
    this.arrived = [];
    for (const [stream, deliveries] of byStream) void this.place(stream, deliveries);
  }

  private async place(stream: string, deliveries: readonly Delivery[]): Promise<void> {
    const recent = this.directory.recent(stream);
    const unknown = recent ? this.handWhatHasReceivers(recent, deliveries) : deliveries;
    if (unknown.length === 0) return;
    const reading = await this.read(stream);
    // Deliveries that were given back meanwhile need no decision.
    const still = unknown.filter((delivery) => this.undecided.has(delivery));
    if (!reading) for (const delivery of still) this.postpone(delivery, LOOK_AGAIN);
    else
      for (const delivery of this.handWhatHasReceivers(reading, still)) this.end(reading, delivery);
  }

  /** @returns the deliveries without a receiver */
  private handWhatHasReceivers(reading: GroupReading, deliveries: readonly Delivery[]): Delivery[] {
    const rest: Delivery[] = [];
    const byReceiver = new Map<LiveConsumer, Delivery[]>();
    for (const delivery of deliveries) {
      const guarded = delivery.lease.owned ?? this.options.onYield;
      const to = guarded ? undefined : reading.receiverOf(delivery.eventType);
      if (!to || !this.isOurs(delivery)) rest.push(delivery);
      else join(byReceiver, to, delivery);
    }
    for (const [to, own] of byReceiver) {
      for (const delivery of own) this.undecided.delete(delivery);
      void this.transfers.hand(own, to);
    }
    return rest;
  }

  /**
   * The stream under which consumers are announced. All streams of a load balancer are announced
   * under one.
   */
  private registered({ stream }: Delivery): string {
    return this.options.tables.get(stream)!.stream;
  }

  private isOurs(delivery: Delivery): boolean {
    return this.undecided.has(delivery) && isOurs(delivery) && !this.options.isHalted(delivery);
  }

  private end(reading: GroupReading, delivery: Delivery): void {
    const { ends, onYield, isHalted } = this.options;
    this.undecided.delete(delivery);
    if (isLost(delivery)) return ends.settle(delivery, taken);
    if (isHalted(delivery)) return ends.settle(delivery, release);
    const decision = this.decideBy(reading, delivery);
    if (decision.kind === 'wait') return this.wait(delivery, decision.why, decision.delay);
    if (decision.kind === 'settle') return void this.conclude(delivery, decision.settlement);
    if (delivery.lease.owned) return this.wait(delivery, 'owned', LOOK_AGAIN);
    onYield?.(delivery);
    ends.settle(delivery, release);
  }

  private decideBy(reading: GroupReading, delivery: Delivery): Decision {
    const { presence, idleTimeout } = this.options;
    return decide(reading, {
      eventType: delivery.eventType,
      otherwise: delivery.unhandled!.otherwise,
      unsettledFor: presence.unsettledFor(reading.own),
      restartsWithin: idleTimeout,
    });
  }

  private wait(delivery: Delivery, why: UnhandledWaits, delay: number): void {
    this.tellOfWait(delivery, why);
    this.postpone(delivery, delay);
  }

  private postpone(delivery: Delivery, delay: number): void {
    this.undecided.delete(delivery);
    if (isLost(delivery)) this.options.ends.settle(delivery, taken);
    else this.options.ends.postpone(delivery, delay);
  }

  private async begin({ lease }: Delivery): Promise<BeginOutcome | 'unknown'> {
    try {
      return await this.options.subscription.begin(lease);
    } catch (error) {
      this.failed(error);
      return 'unknown';
    }
  }

  private async read(stream: string): Promise<GroupReading | undefined> {
    try {
      return await this.directory.fresh(stream);
    } catch (error) {
      this.failed(error);
      return undefined;
    }
  }

  private failed(error: unknown): void {
    const { events } = this.options;
    events.emit('worker-error', { worker: 'registry of consumers', error: asError(error) });
  }
}
