import type { StreamsEvents } from '../core/events.js';
import { either, list, text } from '../core/option-schema/kinds.js';
import { refuse } from '../core/option-schema/refuse.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { GroupNotFoundError, StreamNotFoundError } from '../core/errors/group.errors.js';
import { HandlerConflictError } from '../core/errors/start-up.errors.js';
import { HandlerNotFoundError, SharedStreamError } from '../core/errors/subscription.errors.js';
import type { AnnouncedConsumer } from './announced-consumer.js';
import type { HandlerTable } from './plan/handler-table.js';
import type { ConsumerPlan } from './plan/plan.js';

const PATTERNS = either(
  'a pattern, or a list of patterns that is not empty',
  text(),
  list(text(), 'a list of patterns', 1),
).required();

const OF = declareOptions('what is read', {
  /** @default all */
  group: text(),
});

/** A stream that is read in a group. It is paused, resumed and ended as a whole. */
export interface Reading {
  readonly key: string;
  readonly table: HandlerTable;
  readonly consumer: AnnouncedConsumer;
  /** Handlers of other subscriptions do not join it. */
  readonly alone: boolean;
  readonly started: Promise<void>;
  /** It has started. */
  runs: boolean;
  /** Resolves when it has ended, for any reason. */
  readonly done: Promise<void>;
  readonly finish: () => void;
  ending?: Promise<void>;
}

/** All readings: each stream of each group once for each consumer. */
export class SubscriptionRegistry implements Iterable<Reading> {
  private readonly byKey = new Map<string, Reading>();

  [Symbol.iterator](): Iterator<Reading> {
    return this.byKey.values();
  }

  get(key: string): Reading | undefined {
    return this.byKey.get(key);
  }

  add(reading: Reading): void {
    this.byKey.set(reading.key, reading);
  }

  delete({ key }: Reading): void {
    this.byKey.delete(key);
  }

  /**
   * The readings for these patterns, and for no others.
   * @throws InvalidOptionsError, HandlerNotFoundError, SharedStreamError
   */
  find(patterns: string | readonly string[], of: Given<typeof OF> = {}): Reading[] {
    refuse(PATTERNS.problems(patterns, 'patterns'), OF.problems(of));
    const named = typeof patterns === 'string' ? [patterns] : patterns;
    const readings = [...this.byKey.values()].filter(
      ({ alone, table }) => !alone && (of.group ?? table.group) === table.group,
    );
    const found = readings.filter(({ table }) =>
      patternsOf(table).some((pattern) => named.includes(pattern)),
    );
    if (found.length === 0) {
      const known = readings.flatMap(({ table }) => patternsOf(table));
      throw new HandlerNotFoundError(named, [...new Set(known)]);
    }
    for (const { table } of found) {
      const others = patternsOf(table).filter((pattern) => !named.includes(pattern));
      if (others.length > 0) throw new SharedStreamError(table.stream, table.group, others);
    }
    return found;
  }

  /**
   * Whether a stream that cannot be read ends its consumer: it has a callback of its own, and the
   * group or the stream is gone.
   */
  endsBy({ stream, group, consumer, error }: StreamsEvents['stream-unreadable']): boolean {
    const gone = error instanceof GroupNotFoundError || error instanceof StreamNotFoundError;
    if (!gone) return false;
    return [...this.byKey.values()].some(
      ({ alone, table, consumer: { name } }) =>
        alone && table.stream === stream && table.group === group && (consumer ?? name) === name,
    );
  }

  /** Groups, and their streams. */
  get plans(): readonly Pick<ConsumerPlan, 'group' | 'tables'>[] {
    return [...this.byKey.values()].map(({ table }) => ({
      group: table.group,
      tables: new Map([[table.stream, table]]),
    }));
  }

  /** The end of one of these that is about to end. */
  endOfAny(keyed: readonly { readonly key: string }[]): Promise<void> | undefined {
    return keyed
      .map(({ key }) => this.byKey.get(key)?.ending)
      .find((ending) => ending !== undefined);
  }

  /**
   * @throws HandlerConflictError, OrderConflictError where the table cannot be read beside the
   * present readings
   */
  refuseRivals(table: HandlerTable, key: string, alone: boolean): void {
    // For all consumer names: a consumer that reads beside an ordered one breaks its order.
    for (const { table: other } of this.byKey.values()) {
      if (other.group === table.group && other.stream === table.stream)
        other.refuseMixedOrder(table);
    }
    const reading = this.byKey.get(key);
    if (!reading) return;
    const there = reading.table;
    if (!alone && !reading.alone) return there.refuseRivals(table);
    const { stream, group } = table;
    throw new HandlerConflictError(
      'consumers',
      `Two consumers of this process with one name cannot both read stream "${stream}" in group ` +
        `"${group}": ${takingOf(there)}, ${takingOf(table)}.`,
    );
  }
}

export const keyOf = (
  consumer: string,
  { group, stream }: { group: string; stream: string },
): string => JSON.stringify([consumer, group, stream]);

const takingOf = (table: HandlerTable): string =>
  `${table.handlers[0]!.name} takes ${patternsOf(table)
    .map((pattern) => `"${pattern}"`)
    .join(', ')}`;

const patternsOf = ({ entries }: HandlerTable): string[] => [
  ...new Set(entries.map(({ pattern }) => pattern)),
];
