import { expect } from '../running/expect.js';
import { port, skip } from '../running/skipped.js';
import type { DeadLetterRecord } from '../../core/dead-letter-record.js';
import type { Driver } from '../../ports/driver.js';
import { type StreamsEventName, type StreamsEvents } from '../../core/events.js';
import { EventBus } from '../../core/event-bus.js';
import type { Lease } from '../../core/lease.js';
import type { Fields, OutgoingEntry } from '../../core/message.js';
import { ack, deadLetter, release, retry, type Settlement } from '../../core/settlement.js';
import type { MessageSource, Settling } from '../../ports/source.js';
import type { SourceCapabilities } from '../../ports/source-capabilities.js';
import type { SubscribeOptions } from '../../ports/subscription.js';
import type { OpenOptions, DriverHarness } from './driver-harness.js';
import { Reader } from './reader.js';

/** Short enough to wait for in real time, long enough for a slow machine to extend within. */
export const IDLE = 500;
/** Out of the way of tests that are about something else. */
export const NEVER = 60_000;

/** One test's streams, connections and readers; closes them all. */
export class SourceWorld {
  readonly stream: string;
  readonly group: string;
  /** What all connections of this test reported. */
  readonly events = new EventBus();
  private readonly drivers: Driver[] = [];
  private readonly readers: Reader[] = [];
  private shared: Driver | undefined;
  /** Streams that a reader of this test reads, or has read. */
  private readonly read = new Set<string>();

  constructor(readonly harness: DriverHarness) {
    this.stream = harness.unique('stream');
    this.group = harness.unique('group');
  }

  async open(options: OpenOptions = {}): Promise<Driver> {
    const driver = await this.harness.open({ events: this.events, ...options });
    this.drivers.push(driver);
    return driver;
  }

  /** The connection that tests publish through, and settle through where they do not care. */
  async driver(): Promise<Driver> {
    this.shared ??= await this.open();
    return this.shared;
  }

  async source(): Promise<MessageSource> {
    return (await this.driver()).source;
  }

  /** Ends the test as skipped where the driver declares that it cannot do what is tested. */
  async need(
    can: (capabilities: SourceCapabilities, driver: Driver) => boolean,
    what: string,
  ): Promise<void> {
    const driver = await this.driver();
    const { capabilities } = driver.source;
    if (can(capabilities, driver)) return;
    skip(`${capabilities.technology} does not ${what}`);
  }

  /** Skips a test of what consumers of one group do with single entries of one stream. */
  needEntries(): Promise<void> {
    return this.need(({ holds }) => holds === 'entry', 'hold single entries');
  }

  /** Skips a test of entries that stay pending while others are settled. */
  needLeaving(): Promise<void> {
    return this.need(({ leaves }) => leaves, 'leave entries pending');
  }

  /** Skips a test of the order in which released entries come again. */
  needOrder(): Promise<void> {
    return this.need((can) => can.keepsReleasedOrder, 'keep the order of what is released');
  }

  /** Skips a test of entries that are there for consumers which begin to read later. */
  needKept(): Promise<void> {
    return this.need(
      ({ positions }) => positions !== 'none',
      'keep entries for consumers that begin to read later',
    );
  }

  /** Skips a test of entries that come again to other consumers. */
  needHandedOn(): Promise<void> {
    return this.need(
      ({ delivery }) => delivery === 'at-least-once',
      'hand out again what was not settled',
    );
  }

  /** Attempts are counted where another consumer sees the count. */
  get countsAttempts(): (capabilities: SourceCapabilities) => boolean {
    return ({ durableAttempts }) => this.harness.countsAttempts ?? durableAttempts;
  }

  /** Begins to read, over a connection of its own unless one is given. */
  async reader(
    consumer: string,
    options: Partial<SubscribeOptions> & { readonly driver?: Driver } = {},
  ): Promise<Reader> {
    const { driver = await this.open(), ...rest } = options;
    const subscription = await driver.source.subscribe({
      streams: [this.stream],
      group: this.group,
      consumer,
      startId: '0',
      blockTimeout: 100,
      idleTimeout: NEVER,
      reclaimInterval: 50,
      ...rest,
    });
    const reader = new Reader(this.harness, driver.source, subscription);
    this.readers.push(reader);
    for (const stream of rest.streams ?? [this.stream]) this.read.add(stream);
    return reader;
  }

  /**
   * A consumer reads so many entries and is never heard of again. Answers its leases. Its
   * `idleTimeout` is that of the consumers which take over: in some technologies that of the owner
   * counts, in others that of the whole group.
   */
  async abandon(
    consumer: string,
    count: number,
    options: Partial<SubscribeOptions> = {},
  ): Promise<{ reader: Reader; leases: Lease[] }> {
    await this.needHandedOn();
    const driver = await this.open();
    const reader = await this.reader(consumer, { idleTimeout: IDLE, driver, ...options });
    const leases = await reader.take(count);
    await reader.subscription.stop();
    await this.harness.vanish?.(driver);
    return { reader, leases };
  }

  /** Publishes entries with these values to this test's stream. Answers their ids. */
  async publish(...values: string[]): Promise<string[]> {
    return this.publishTo(this.stream, ...values);
  }

  async publishTo(stream: string, ...values: string[]): Promise<string[]> {
    return this.publishAll(values.map((value) => ({ stream, fields: entry(value) })));
  }

  /**
   * Publishes entries. Answers their ids. Skips the test where the source would lose them, because no
   * reader was there before.
   */
  async publishAll(entries: readonly OutgoingEntry[]): Promise<string[]> {
    if (entries.some(({ stream }) => !this.read.has(stream))) await this.needKept();
    const source = await this.source();
    const results = await source.publish(entries);
    for (const result of results) expect(result).toBeTypeOf('string');
    return results as string[];
  }

  /** Collects an event's occurrences from now on. */
  record<N extends StreamsEventName>(name: N): StreamsEvents[N][] {
    const occurrences: StreamsEvents[N][] = [];
    this.events.on(name, (event) => occurrences.push(event));
    return occurrences;
  }

  /** All dead letters of this test's stream. */
  async deadLetters() {
    const page = await port(await this.driver(), 'deadLetters').list(this.stream, 1000);
    return page.items;
  }

  async close(): Promise<void> {
    for (const reader of this.readers) {
      await reader.subscription.stop();
      await reader.subscription.close();
    }
    for (const driver of this.drivers) await driver.source.close();
    await this.harness.close();
  }
}

/** Fields of an entry that says no more than `value`. */
export const entry = (value: string): Fields => ['event_type', 'test', 'payload', value];

/** The value that {@link entry} was made of. */
export const valueOf = (lease: Lease): string | undefined => lease.fields?.[3];

/** What the engine knows about a dead letter when it settles one. */
export function recordFor(lease: Lease, group: string, consumer: string): DeadLetterRecord {
  return {
    stream: lease.stream,
    id: lease.id,
    group,
    consumer,
    attempts: lease.attempt,
    reason: 'unrecoverable',
    error: { name: 'TypeError', message: 'not a number: "ü"', stack: 'TypeError\n    at x.js:1' },
    publishedAt: new Date(lease.publishedAt).toISOString(),
    deadLetteredAt: new Date(lease.publishedAt + 1000).toISOString(),
  };
}

/** Without those that never come to a driver that lacks a port. */
export const fitFor = (driver: Driver, settlings: readonly Settling[]): readonly Settling[] =>
  settlings.filter(({ settlement }) => driver.deadLetters || settlement.kind !== 'dead-letter');

/** A settlement that has to be fenced, of each kind. */
export function fencedSettlings(lease: Lease, group: string, follower: string): Settling[] {
  return [
    { lease, settlement: { ...ack, publish: [{ stream: follower, fields: entry('next') }] } },
    { lease, settlement: retry(0) },
    { lease, settlement: deadLetter('unrecoverable'), record: recordFor(lease, group, 'any') },
    { lease, settlement: release },
  ] as Settling[];
}

export const kindOf = (settling: Settling): Settlement['kind'] => settling.settlement.kind;
