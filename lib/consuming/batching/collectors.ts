import type { Clock } from '../../core/clock.js';
import type { BoundHandler, Delivery, Handler } from '../../core/delivery.js';
import type { Instruments } from '../../core/instruments.js';
import { release } from '../../core/settlement.js';
import { Collector } from './collector.js';
import type { Gates } from '../middleware/gate.middleware.js';
import type { Overruns } from '../running/overruns.js';
import { Slots } from '../plan/slots.js';

export interface CollectorsOptions {
  readonly clock: Clock;
  readonly gates: Gates;
  /** The transport's slots. */
  readonly slots: Slots;
  readonly overruns: Overruns;
  readonly instruments?: Instruments | undefined;
}

/** The collectors of one consumer: a batch never mixes handlers or streams. */
export class Collectors {
  private readonly byHandler = new Map<BoundHandler, Map<string, Collector>>();
  private stopped = false;

  constructor(private readonly options: CollectorsOptions) {}

  readonly invoke: Handler = (delivery) => {
    if (this.stopped) return Promise.resolve(release);
    return this.collectorOf(delivery).add(delivery);
  };

  /** Releases deliveries that have not started and pass the test. */
  letGo(wanted: (delivery: Delivery) => boolean): void {
    for (const streams of this.byHandler.values()) {
      for (const collector of streams.values()) collector.letGo(wanted);
    }
  }

  /** Runs what was collected together with a delivery that passes the test, without waiting for more. */
  runNow(wanted: (delivery: Delivery) => boolean): void {
    for (const streams of this.byHandler.values()) {
      for (const collector of streams.values()) collector.runNow(wanted);
    }
  }

  stop(): void {
    this.stopped = true;
    for (const streams of this.byHandler.values()) {
      for (const collector of streams.values()) collector.stop();
    }
  }

  private collectorOf({ handler, stream }: Delivery): Collector {
    let streams = this.byHandler.get(handler!);
    if (!streams) this.byHandler.set(handler!, (streams = new Map()));
    let collector = streams.get(stream);
    if (!collector) streams.set(stream, (collector = this.create(handler!)));
    return collector;
  }

  private create(handler: BoundHandler): Collector {
    const { clock, gates, slots, overruns, instruments } = this.options;
    let own = gates.get(handler);
    if (!own) gates.set(handler, (own = new Slots(handler.concurrency!)));
    const instrumentation = instruments?.current;
    return new Collector({ handler, clock, own, shared: slots, overruns, instrumentation });
  }
}
