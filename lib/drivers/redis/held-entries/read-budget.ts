import { systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { BeginOutcome } from '../../../core/lease.js';
import type { EntrySizes } from './entry-sizes.js';
import type { RedisLease } from './redis.lease.js';

/** For all readers of a process together. */
export const DEFAULT_READ_BYTES = 8 * 1_048_576;
/** A wait of this length is worth a warning, in milliseconds. */
const LONG = 1000;
/**
 * How long new entries wait for a retry that found no room, in milliseconds. The retry is tried
 * again after 100 ms. The time is longer, because a process may be busy; and not much longer,
 * because the retry may have been given up.
 */
const RETRY_FIRST = 500;
/** Each reader may always hold this many bytes, however many readers there are. */
const LEAST = 65_536;
/** Part of the share that new entries may fill: the rest is left to retries. */
const NEW = 0.75;

/** How many bytes of messages the subscriptions of one source may hold. Each has an equal share. */
export class ReadBudget {
  /** Of each subscription. */
  share: number;
  private readers = 0;

  constructor(readonly total = DEFAULT_READ_BYTES) {
    this.share = Math.max(LEAST, total);
  }

  /** @returns a function to call when it reads no more */
  join(): () => void {
    let joined = true;
    this.divide(this.readers + 1);
    return () => {
      if (joined) this.divide(this.readers - 1);
      joined = false;
    };
  }

  private divide(readers: number): void {
    this.readers = readers;
    this.share = Math.max(LEAST, this.total / Math.max(1, readers));
  }
}

/** The bytes that a subscription holds. */
export interface HeldBytes {
  readonly bytes: number;
  /** Part of them: entries that it did not read itself, but took over or adopted. */
  readonly adoptedBytes: number;
  /** The data of an entry was fetched, or is held no more. */
  resize(lease: RedisLease, size: number): void;
}

/**
 * How many bytes a subscription may fetch. New entries leave a quarter of the share to retries.
 * Entries that are taken over have a half: entries of crashed processes run one at a time, and must
 * hold up no others.
 */
export class ByteCapacity {
  /** To be called when less is held. Undefined: no read waits for room. */
  onLess: (() => void) | undefined;
  /** Runs while a retry has found no room and new entries wait for it. */
  private retryWaits: NodeJS.Timeout | undefined;
  /** When reads began to wait for room. Undefined: there is room. */
  private fullSince: number | undefined;
  private warned = false;
  private closed = false;

  constructor(
    private readonly budget: Pick<ReadBudget, 'share'>,
    private readonly held: HeldBytes,
    private readonly sizes: Pick<EntrySizes, 'replyBytes'>,
    private readonly events: EventBus,
  ) {}

  /** For how long no read has had room, in milliseconds. 0: there is room. */
  get fullFor(): number {
    return this.fullSince === undefined ? 0 : systemClock.now() - this.fullSince;
  }

  /**
   * Bytes of one read.
   * @param size of an entry, as far as sizes are known
   * @returns 0 where not even one entry of this size may be read now
   */
  forRead(size: number): number {
    if (this.retryWaits) return 0;
    const { bytes } = this.held;
    const left = NEW * this.budget.share - bytes;
    if (bytes > 0 && left < size) return 0;
    this.fullSince = undefined;
    // One entry is always read.
    return Math.max(1, Math.min(this.sizes.replyBytes, left));
  }

  /** Resolves when it may, when nothing more is to be read, or after `patience` milliseconds. */
  async untilMayRead(size: () => number, patience: number): Promise<void> {
    if (this.closed) return;
    this.fullSince ??= systemClock.now();
    const warning = setTimeout(() => this.warn(), LONG - this.fullFor).unref();
    let late: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      late = setTimeout(resolve, patience).unref();
      this.onLess = () => {
        if (this.closed || this.forRead(size()) > 0) resolve();
      };
    });
    this.onLess = undefined;
    clearTimeout(late);
    clearTimeout(warning);
  }

  /** Ends all waits. */
  close(): void {
    this.closed = true;
    this.endRetryWait();
    this.onLess?.();
  }

  /** Bytes of entries that are taken over before anything new is read. One is always fetched. */
  get ofTakeover(): number {
    const bytes = NEW * this.budget.share - this.held.bytes;
    return Math.max(1, Math.min(this.sizes.replyBytes, bytes));
  }

  /** Bytes of entries that are taken over or adopted. 0 where none may be fetched now. */
  get ofAdoption(): number {
    const { bytes, adoptedBytes } = this.held;
    const { share } = this.budget;
    const fitting = Math.min(this.sizes.replyBytes, share - bytes);
    if (adoptedBytes === 0) return Math.max(1, fitting);
    return Math.max(0, Math.min(fitting, share / 2 - adoptedBytes));
  }

  /** Whether entries that are taken over or adopted have room again, and not just for one entry. */
  get adoptsMore(): boolean {
    return this.held.adoptedBytes <= this.budget.share / 4;
  }

  /** Begins a run, which fetches its entry where the data is not here, if there is room for it. */
  async begin(lease: RedisLease, ask: () => Promise<BeginOutcome>): Promise<BeginOutcome> {
    const { held } = this;
    const before = lease.size;
    if (!lease.fields) {
      if (held.bytes >= this.budget.share) return this.retryLater();
      this.endRetryWait();
      // Counted before the data arrives, so that other runs that begin know of it.
      held.resize(lease, lease.fetched);
    }
    try {
      return await ask();
    } finally {
      held.resize(lease, lease.fields ? lease.fetched : before);
    }
  }

  /** Where one message fills the room, new ones would always be faster than the retry. */
  private retryLater(): 'later' {
    this.endRetryWait();
    if (this.closed) return 'later';
    this.retryWaits = setTimeout(() => {
      this.endRetryWait();
      this.onLess?.();
    }, RETRY_FIRST).unref();
    return 'later';
  }

  private endRetryWait(): void {
    clearTimeout(this.retryWaits);
    this.retryWaits = undefined;
  }

  /** Warns once that fewer messages run than could. */
  private warn(): void {
    if (this.warned) return;
    this.warned = true;
    const message =
      `The messages that are being handled have ${this.held.bytes} bytes, so reading waits until some are settled, ` +
      'and fewer run at a time than concurrency allows. Raise maxReadBytes where the process has the memory.';
    this.events.emit('warning', { code: 'READ_BYTES_FULL', message });
  }
}
