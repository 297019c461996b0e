import { chunksOf } from '../../../core/collections/chunks.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { Bucket } from '../buckets/bucket.js';
import { Scan } from '../buckets/scan.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { expiryOf } from './stored-value.js';

const ACTION = 'deleting what has expired';
/** The key of the bucket that says when the next sweep is due. No key of the application has a dot. */
const SCHEDULE = 'sweep.due';

/** Time between two sweeps of all processes together, in milliseconds, where no server deletes. */
const INTERVAL = 60_000;
/** The same where the server deletes by itself, but for values that an older server has stored: a day. */
const RARELY = 86_400_000;
/** A sweep takes this part of the time at most. */
const SHARE = 0.05;

/** Values looked at together. */
const PAGE = 1000;
/** Deletions under way together. */
const AT_ONCE = 100;
/** Pause between two pages, in milliseconds, so that a sweep never keeps the server busy. */
const PAUSE = 20;

export interface SweepOptions {
  readonly parts: Pick<DriverParts, 'connection' | 'events'>;
  readonly bucket: Bucket;
  /** The server's time, in milliseconds since the epoch. */
  readonly now: () => number | Promise<number>;
}

/**
 * Deletes values that have expired, where the server does not do so by itself. One process at a time
 * sweeps. Nothing relies on it: what has expired counts no more, whether it is deleted or not.
 */
export class ExpiredSweep {
  private readonly closing = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private sweeping: Promise<void> | undefined;
  private refused = false;

  /** @param interval time between two looks of this process, about, in milliseconds */
  constructor(
    private readonly options: SweepOptions,
    private readonly interval = INTERVAL,
  ) {}

  /** Looks about every minute from now on whether a sweep is due. Idempotent. */
  start(): void {
    if (this.timer === undefined && !this.closing.signal.aborted) this.wait();
  }

  /** Sweeps where it is due and no other process does. Returns how many values it deleted. */
  async turn(): Promise<number> {
    const begun = systemClock.now();
    const interval = this.options.bucket.hasTtl ? RARELY : INTERVAL;
    const revision = await this.take(interval);
    if (revision === undefined) return 0;
    const deleted = await this.collect();
    const rest = (systemClock.now() - begun) / SHARE;
    if (rest > interval) await this.schedule(revision, rest);
    return deleted;
  }

  /** Deletes all values that have expired. Returns how many. Harmless where other processes do so, too. */
  async collect(): Promise<number> {
    const { bucket, parts } = this.options;
    const all = { subject: `${bucket.prefix}>`, from: 1, headersOnly: true };
    const scan = new Scan({
      connection: parts.connection,
      stream: bucket.stream,
      action: ACTION,
      ...all,
    });
    let deleted = 0;
    try {
      for (let more = true; more && !this.closing.signal.aborted;) {
        const page = await scan.page(PAGE);
        const now = await this.options.now();
        const expired = page.messages.filter((message) => expiryOf(message) <= now);
        for (const some of chunksOf(expired, AT_ONCE)) {
          const gone = await Promise.all(
            some.map(({ sequence }) => bucket.remove(ACTION, sequence)),
          );
          deleted += gone.filter(Boolean).length;
        }
        ({ more } = page);
        await sleep(systemClock, PAUSE, this.closing.signal);
      }
    } finally {
      scan.end();
    }
    return deleted;
  }

  /** Resolves when no request of it is under way any more. Idempotent. */
  async close(): Promise<void> {
    this.closing.abort();
    clearTimeout(this.timer);
    await this.sweeping;
  }

  /** Returns the revision of the schedule, where a sweep is due and this process is to sweep. */
  private async take(interval: number): Promise<number | undefined> {
    const { bucket, now } = this.options;
    const found = await bucket.get(ACTION, SCHEDULE);
    if (found && Number(found.body) > (await now())) return undefined;
    return this.schedule(found?.sequence ?? 0, interval);
  }

  private async schedule(expected: number, ms: number): Promise<number | undefined> {
    const due = Math.ceil((await this.options.now()) + ms);
    const revision = await this.options.bucket.put(ACTION, SCHEDULE, String(due), { expected });
    return revision === 'changed' ? undefined : revision;
  }

  private wait(): void {
    const pause = this.interval * (0.5 + Math.random() / 2);
    this.timer = setTimeout(() => {
      this.sweeping = this.sweepOnce();
    }, pause).unref();
  }

  /** An outage is told by all other requests. */
  private async sweepOnce(): Promise<void> {
    if (this.options.parts.connection.connected) {
      await this.turn().catch((error: unknown) => this.failed(error));
    }
    if (!this.refused && !this.closing.signal.aborted) this.wait();
  }

  /** A process without the rights takes no further turn: another one may have them. */
  private failed(error: unknown): void {
    if (!(error instanceof PermissionDeniedError)) return;
    this.refused = true;
    this.options.parts.events.emit('warning', {
      code: 'GARBAGE_STAYS',
      message: `This process may not delete state that has expired, and leaves it to other processes and to servers from 2.11 on. ${error.message}`,
    });
  }
}
