import { within, type Clock, type TimerHandle } from '../core/clock.js';
import type { Delivery } from '../core/delivery.js';
import { asError } from '../core/errors/error-record.js';
import { ConsumerStateUnreadableError } from '../core/errors/state-store.errors.js';
import type { EventBus } from '../core/event-bus.js';
import type { Lease } from '../core/lease.js';
import type { Settlement, SettleOutcome } from '../core/settlement.js';
import type { CommitsSettings } from '../options/commits-options.js';
import type { IdFormat } from '../ports/id-format.js';
import type { MessageSource } from '../ports/source.js';
import type { StateStore } from '../ports/state-store.js';
import { BEGINNING, recordKey, recordOfText } from './consumer-record.js';
import { RecordWriter } from './record-writer.js';
import { SettledFloor } from './settled-floor.js';
import { StreamProgress, type Snapshot } from './stream-progress.js';

/** Longest time that a shutdown, or giving up a stream, waits for the store, in milliseconds. */
const LAST_WRITE = 1000;

export interface CommitParts {
  readonly source: MessageSource;
  readonly ids: IdFormat;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly events: EventBus;
  readonly settings: CommitsSettings & { readonly name: string };
}

/** Records how far one consumer has come: one record for each stream, or partition. */
export class ConsumerCommits {
  /**
   * Call it with entries in the order in which they come. Undefined: the source can tell how far the
   * group is.
   */
  readonly handedOut: ((leases: readonly Lease[]) => void) | undefined;
  private readonly progress = new Map<string, StreamProgress>();
  /** Where streams were resumed. */
  private readonly resumed = new Map<string, string>();
  /** Runs that have asked for a commit and are not settled yet. */
  private readonly asked = new Set<Delivery>();
  private readonly failing = new Set<StreamProgress>();
  private readonly resumes: boolean;
  private streams: ReadonlySet<string> = new Set();
  private timer: TimerHandle | undefined;
  private stopped = false;

  constructor(
    readonly group: string,
    private readonly parts: CommitParts,
    /** Those that have started and have not stopped. */
    private readonly opened: Set<ConsumerCommits>,
  ) {
    const { source } = parts;
    const { positions, holds } = source.capabilities;
    this.resumes = positions === 'engine';
    const follows = this.resumes || holds === 'partition' || source.settledUpTo === undefined;
    this.handedOut = follows ? (leases) => this.follow(leases) : undefined;
  }

  /** What this consumer has read of, by stream and partition. */
  get all(): Iterable<Pick<StreamProgress, 'stream' | 'partition'>> {
    return this.progress.values();
  }

  /** Whether this consumer reads the stream, or has read it. */
  reads(stream: string): boolean {
    return this.streams.has(stream) || [...this.all].some((one) => one.stream === stream);
  }

  /**
   * The consumer reads these streams now.
   * @param began behind which ids it has begun, where a restart could not find that out
   */
  async started(streams: Iterable<string>, began?: ReadonlyMap<string, string>): Promise<void> {
    this.streams = new Set(streams);
    this.opened.add(this);
    if (!began || !this.resumes) return;
    const fresh = [...began].filter(([stream]) => !this.resumed.has(stream));
    for (const [stream, id] of fresh) this.resumed.set(stream, id);
    await Promise.all(fresh.map(([stream, id]) => this.begin({ stream }).began(id)));
  }

  /**
   * Reads where streams are to be resumed. Undefined: the source remembers.
   * @throws ConsumerStateUnreadableError, and what the state store throws
   */
  async positions(streams: readonly string[]): Promise<ReadonlyMap<string, string> | undefined> {
    if (!this.resumes) return undefined;
    const { store, ids } = this.parts;
    const resume = async (stream: string): Promise<void> => {
      const key = this.keyOf(stream);
      const text = await store.get(key);
      if (text === undefined) return;
      const record = recordOfText(text);
      if (!record || !(record.offset === BEGINNING || ids.accepts(record.offset)))
        throw new ConsumerStateUnreadableError(key, ids.expected);
      this.resumed.set(stream, record.offset);
    };
    await Promise.all(streams.map(resume));
    return this.resumed;
  }

  /** Call it when the outcome of a settlement is known. */
  settled(delivery: Delivery, settlement: Settlement, outcome: SettleOutcome): void {
    const asked = this.asked.size > 0 && this.asked.delete(delivery);
    // A message that was moved aside holds up nothing behind it.
    if (outcome === 'gone' || outcome === 'moved')
      return this.find(delivery.lease)?.floor?.settled(delivery.id);
    if (outcome === 'lost' || !ends(settlement)) return;
    const progress = this.progressOf(delivery.lease);
    const isFirst = !progress.changed;
    progress.settled(delivery.lease);
    if (asked) this.record(progress);
    else if (isFirst && this.parts.settings.auto) this.arm();
  }

  /**
   * Call it where a delivery ends without a settlement.
   * @param gone no run can have the entry any more
   */
  dropped(delivery: Delivery, gone: boolean): void {
    this.asked.delete(delivery);
    // A source that remembers nothing has no peers: the entry comes again, here.
    if (gone || !this.resumes) this.find(delivery.lease)?.floor?.settled(delivery.id);
  }

  /** Records what is settled by now, and the delivery once it is settled. */
  commit(delivery: Delivery): void {
    this.asked.add(delivery);
    const progress = this.find(delivery.lease);
    if (progress) this.record(progress);
  }

  /** The message was acknowledged by its id, and not by the end of a run. */
  acknowledged(stream: string, id: string): void {
    const progress = this.progress.get(stream);
    if (!progress) return;
    progress.settled({ id, attempt: 1 });
    if (this.parts.settings.auto) this.arm();
  }

  /** Records what is settled of these streams, which this consumer may not own for much longer. */
  async flush(streams: Iterable<string>): Promise<void> {
    const named = new Set(streams);
    await this.write([...this.progress.values()].filter(({ stream }) => named.has(stream)));
  }

  /** This consumer has given up the stream. @param completed no consumer will read it any more */
  async leave(stream: string, completed: boolean): Promise<void> {
    if (!completed) await this.flush([stream]);
    for (const [key, progress] of this.progress) {
      if (progress.stream !== stream) continue;
      this.progress.delete(key);
      this.failing.delete(progress);
    }
    if (completed) await this.forgetCompleted(stream);
  }

  /** Records the last settlements. For a second at most. */
  async stop(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    if (this.timer !== undefined) this.parts.clock.clearTimeout(this.timer);
    await this.write([...this.progress.values()]);
    this.opened.delete(this);
  }

  private follow(leases: readonly Lease[]): void {
    for (const lease of leases)
      if (!lease.redriven && !lease.moved) this.progressOf(lease).floor!.handedOut(lease.id);
  }

  private progressOf(lease: Lease): StreamProgress {
    return this.find(lease) ?? this.begin(lease);
  }

  private find({ stream, partition }: Lease): StreamProgress | undefined {
    return this.progress.get(partition === undefined ? stream : mapKey(stream, partition));
  }

  private begin({ stream, partition }: Pick<Lease, 'stream' | 'partition'>): StreamProgress {
    const { store, ids, source, clock } = this.parts;
    const writer = new RecordWriter(store, ids, this.keyOf(stream, partition));
    const write = async ({ offset, ...last }: Snapshot): Promise<void> => {
      await writer.write(async () => {
        const upTo = floor ? offset : await source.settledUpTo!(stream, this.group);
        return upTo === undefined
          ? undefined
          : { ...last, offset: upTo, lastUpdated: clock.wallTime() };
      });
    };
    const floor = this.handedOut && new SettledFloor(ids, this.resumed.get(stream));
    const { onOutcome } = this;
    const progress = new StreamProgress({ stream, partition, floor, write, onOutcome });
    this.progress.set(partition === undefined ? stream : mapKey(stream, partition), progress);
    return progress;
  }

  private record(progress: StreamProgress): void {
    progress.take();
    void progress.write();
  }

  private async write(all: readonly StreamProgress[]): Promise<void> {
    const { clock, settings } = this.parts;
    if (settings.auto) for (const progress of all) progress.take();
    await within(clock, LAST_WRITE, Promise.all(all.map((progress) => progress.write())));
  }

  private arm(): void {
    if (this.timer !== undefined || this.stopped) return;
    const { clock, settings } = this.parts;
    this.timer = clock.setTimeout(() => {
      this.timer = undefined;
      for (const progress of this.progress.values()) {
        if (settings.auto) progress.take();
        void progress.write();
      }
    }, settings.interval);
  }

  /** Reports one error for all records that cannot be written, until all can be again. */
  private readonly onOutcome = (progress: StreamProgress, error?: unknown): void => {
    const { failing } = this;
    if (error === undefined) return void failing.delete(progress);
    if (failing.size === 0)
      this.parts.events.emit('worker-error', { worker: 'committer', error: asError(error) });
    failing.add(progress);
    this.arm();
  };

  /** A record of a stream that is done would stay for ever. */
  private async forgetCompleted(stream: string): Promise<void> {
    const { store, clock } = this.parts;
    const deleted = store.delete(this.keyOf(stream)).catch(() => undefined);
    await within(clock, LAST_WRITE, deleted);
  }

  private keyOf(stream: string, partition?: string): string {
    return recordKey({ group: this.group, stream, name: this.parts.settings.name, partition });
  }
}

const mapKey = (stream: string, partition: string): string => JSON.stringify([stream, partition]);

/** Whether no run of the message follows, unless an operator asks for it. */
const ends = (settlement: Settlement): boolean =>
  settlement.kind === 'ack' ||
  // A message on hold stays pending.
  (settlement.kind === 'dead-letter' && settlement.action !== 'hold');
