import type { AdminAction } from '../core/admin-events.js';
import { AdminReport } from '../core/admin-report.js';
import type { StreamsEvents } from '../core/events.js';
import { ClosedError, UnsupportedFeatureError } from '../core/errors/start-up.errors.js';
import { grouped } from '../core/collections/grouped.js';
import type { PlannedHandler } from '../options/handler-definition.js';
import type { Route, Router } from '../core/routing.js';
import { AnnouncedConsumer } from './announced-consumer.js';
import type { ConsumerParts, ConsumerSettings } from './consumer-options.js';
import { refuseForwardCycles } from './plan/forward-cycles.js';
import type { HandlerTable } from './plan/handler-table.js';
import { endFor } from './running/close-within-run.js';
import { requireLeaving, requireOrder } from './plan/source-features.js';
import { shareReaders, tablesOf, type ConsumerPlan } from './plan/plan.js';
import { keyOf, SubscriptionRegistry, type Reading } from './subscription-registry.js';

export interface SubscribeSettings extends ConsumerSettings {
  readonly routes: readonly Route[];
  /** No other handlers may read the same streams in the same group under the same consumer name. */
  readonly alone?: boolean;
}

/** All consumers of a runtime. They may be added and ended while others run. */
export class Consumers {
  private readonly readings = new SubscriptionRegistry();
  private readonly starting = new Set<Promise<unknown>>();
  private stopping: Promise<void> | undefined;

  constructor(
    private readonly parts: ConsumerParts & {
      readonly route: Router;
      readonly warn: (code: string, message: string) => void;
    },
  ) {}

  /**
   * Starts reading for these handlers. A stream that is already read in the group is read for them
   * by the same consumer. If a consumer cannot start, undoes all of it and rejects.
   * @throws HandlerConflictError, OrderConflictError, WildcardWithoutStreamError,
   * UnsupportedFeatureError, ClosedError
   */
  async subscribe(
    handlers: readonly PlannedHandler[],
    settings: SubscribeSettings,
  ): Promise<Reading[]> {
    // An application that names streams for a callback may or may not publish to them, so no
    // warning.
    const warn = settings.alone ? () => undefined : this.parts.warn;
    const tables = tablesOf(handlers, { ...settings, route: this.parts.route, warn });
    refuseForwardCycles([...this.read.flatMap((plan) => [...plan.tables.values()]), ...tables]);
    const keyed = tables.map((table) => ({ table, key: keyOf(settings.consumer, table) }));
    // A reading that is ending still holds entries, which a new reader would take for lost ones.
    // There must be no pause between the last look and joining: handlers that join a reading that
    // ends would get nothing.
    const { readings } = this;
    for (let end = readings.endOfAny(keyed); end; end = readings.endOfAny(keyed)) await end;
    if (this.stopping) throw new ClosedError('The transport');
    for (const { table, key } of keyed) readings.refuseRivals(table, key, settings.alone ?? false);
    requireLeaving(this.parts.source.capabilities, settings.unmatched);
    if (tables.some(({ ordered }) => ordered)) requireOrder(this.parts);
    const joined = keyed.flatMap(({ table, key }) => this.join(table, key));
    const fresh = keyed.filter(({ key }) => !readings.get(key)).map(({ table }) => table);
    const started = shareReaders(fresh).flatMap((plan) => this.start(plan, settings));
    // Other consumers should know what is handled here before this resolves.
    const announced = joined.map(({ consumer }) => consumer.handlersChanged());
    const outcomes = Promise.allSettled([
      ...[...joined, ...started].map(({ started }) => started),
      ...announced,
    ]);
    this.starting.add(outcomes);
    const failed = (await outcomes).find((outcome) => outcome.status === 'rejected');
    if (failed) await this.giveUp(joined, tables, started);
    this.starting.delete(outcomes);
    if (failed) throw failed.reason;
    return [...joined, ...started];
  }

  /**
   * The readings for these patterns, and for no others.
   * @throws HandlerNotFoundError, SharedStreamError
   */
  find(patterns: string | readonly string[], of?: { readonly group?: string }): Reading[] {
    return this.readings.find(patterns, of);
  }

  /** See {@link SubscriptionRegistry.endsBy}. */
  endsBy(event: StreamsEvents['stream-unreadable']): boolean {
    return this.readings.endsBy(event);
  }

  /** What is read now, or paused: groups, and their streams. */
  get read(): readonly Pick<ConsumerPlan, 'group' | 'tables'>[] {
    return this.readings.plans;
  }

  /** @throws why one of them could not begin. All others are paused */
  pause(readings: readonly Reading[]): Promise<void> {
    return this.change('reading.pause', readings, ({ consumer }, stream) =>
      consumer.halt([stream]),
    );
  }

  /** @throws why one of them could not begin. All others are resumed */
  resume(readings: readonly Reading[]): Promise<void> {
    return this.change('reading.resume', readings, ({ consumer, ending }, stream) => {
      if (!ending) consumer.resume([stream]);
    });
  }

  /**
   * Ends these readings, as a shutdown would: releases deliveries that have not started, and awaits
   * running ones. A run that calls this waits for the other runs only, see {@link endFor}.
   */
  end(readings: readonly Reading[]): Promise<void> {
    return endFor(this.parts.clock, this.endAll(readings), () => this.othersEnded(readings));
  }

  /** Resolves when only runs that await the end are left. @returns whether there are any */
  async othersEnded(readings: readonly Reading[] = [...this.readings]): Promise<boolean> {
    const byConsumer = [...grouped(readings, ({ consumer }) => consumer)];
    const left = await Promise.all(
      byConsumer.map(([consumer, of]) =>
        consumer.othersEnded(new Set(of.map(({ table }) => table.stream))),
      ),
    );
    return left.includes(true);
  }

  /** As {@link end}, without the exception for a run that calls it. */
  async endAll(readings: readonly Reading[]): Promise<void> {
    const running = readings.filter(({ ending }) => !ending);
    const byConsumer = grouped(running, ({ consumer }) => consumer);
    for (const [consumer, ending] of byConsumer) {
      const ended = this.endOf(consumer, ending).finally(() => {
        for (const reading of ending) {
          this.readings.delete(reading);
          reading.finish();
        }
      });
      for (const reading of ending) reading.ending = ended;
    }
    await Promise.all(readings.map(async ({ ending }) => ending));
  }

  /** An entry was acknowledged by its id: it need not run any more. */
  acknowledged(consumer: string, group: string, stream: string, id: string): void {
    this.readings.get(keyOf(consumer, { group, stream }))?.consumer.acknowledged(stream, id);
  }

  /** Ends all readings gracefully. Idempotent. */
  stop(): Promise<void> {
    this.stopping ??= this.stopAll();
    return this.stopping;
  }

  /** Changes each reading once it has begun, and reports each change. */
  private async change(
    action: AdminAction,
    readings: readonly Reading[],
    change: (reading: Reading, stream: string) => void,
  ): Promise<void> {
    const report = new AdminReport(this.parts.events);
    const changes = readings.map((reading) => {
      const { stream, group } = reading.table;
      return report.around({ action, stream, group }, async () => {
        await reading.started;
        change(reading, stream);
      });
    });
    await Promise.allSettled(changes);
    await Promise.all(changes);
  }

  private async stopAll(): Promise<void> {
    // A reading that has not started yet has nothing to stop, and would go on for ever.
    if (this.starting.size > 0) await Promise.all(this.starting);
    await this.endAll([...this.readings]);
  }

  private async endOf(consumer: Reading['consumer'], ending: readonly Reading[]): Promise<void> {
    // Without waiting where possible, so that nothing more is read.
    if (ending.some(({ runs }) => !runs)) {
      await Promise.allSettled(ending.map(({ started }) => started));
    }
    const goesOn = [...this.readings].some(
      (reading) => reading.consumer === consumer && !reading.ending && !ending.includes(reading),
    );
    if (goesOn) await consumer.leave(new Set(ending.map(({ table }) => table.stream)));
    else await consumer.stop();
  }

  private join(table: HandlerTable, key: string): Reading[] {
    const reading = this.readings.get(key);
    if (!reading) return [];
    refuseBatches(table, reading.consumer);
    reading.table.merge(table);
    return [reading];
  }

  /** Undoes a subscription that could not start as a whole. */
  private async giveUp(
    joined: readonly Reading[],
    tables: readonly HandlerTable[],
    started: readonly Reading[],
  ): Promise<void> {
    for (const { table, consumer } of joined) {
      for (const own of tables) if (own.stream === table.stream) table.unmerge(own);
      await consumer.handlersChanged();
    }
    await this.endAll(started);
  }

  private start(
    plan: ReturnType<typeof shareReaders>[number],
    settings: SubscribeSettings,
  ): Reading[] {
    const slots = settings.slots ?? this.parts.slots;
    const options = { ...settings, ...this.parts, slots, plan };
    const consumer = new AnnouncedConsumer(options);
    const started = consumer.start();
    return [...plan.tables.values()].map((table) => {
      const key = keyOf(settings.consumer, table);
      let finish!: () => void;
      const done = new Promise<void>((resolve) => (finish = resolve));
      const alone = settings.alone ?? false;
      const reading: Reading = { key, table, consumer, alone, started, runs: false, done, finish };
      started.then(
        () => (reading.runs = true),
        () => undefined,
      );
      this.readings.add(reading);
      return reading;
    });
  }
}

/**
 * The slots for batches are made with the reader of the stream, so a handler with batches cannot
 * join later.
 */
function refuseBatches({ handlers, stream }: HandlerTable, consumer: Reading['consumer']): void {
  if (consumer.batches || !handlers.some(({ batch }) => batch)) return;
  const advice = 'Give it a group of its own, or start it with the others.';
  throw new UnsupportedFeatureError('A handler with batch', `"${stream}", which is read`, advice);
}
