import { sleep, systemClock } from '../../../core/clock.js';
import type { EventBus } from '../../../core/event-bus.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import type { Statements } from '../connection/statements.js';

/** Time between two collections of one process, in milliseconds. */
const INTERVAL = 60_000;
/** How many intervals pass before a role without the right to delete tries again. */
const REFUSED = 60;
/** Pause between two portions, in milliseconds, so that a collection never keeps the server busy. */
const PAUSE = 20;

interface Collecting extends Statements {
  /** Connections that are open. Garbage alone is no reason to connect. */
  readonly connections: number;
}

/**
 * Deletes what has expired, from time to time and in portions, while this process is connected. Every
 * process does so, at times of its own. Nothing relies on it: what has expired counts no more, whether
 * it is deleted or not.
 */
export class GarbageCollector {
  private timer: NodeJS.Timeout | undefined;
  private collecting: Promise<void> | undefined;
  private closed = false;
  private told = false;

  constructor(
    private readonly database: Collecting,
    private readonly events: EventBus,
    private readonly interval = INTERVAL,
  ) {}

  /** Collects every minute from now on, first after half a minute at least. */
  start(): void {
    this.wait(this.interval * (0.5 + Math.random() / 2));
  }

  /** Collects once, until nothing is left. Rejects where the server refuses. */
  async collect(): Promise<void> {
    while (!this.closed) {
      const { rows } = await this.database.query<{ more: boolean }>(
        'deleting what has expired',
        'select {schema}.collect_garbage() as more',
      );
      if (!rows[0]!.more) return;
      await sleep(systemClock, PAUSE);
    }
  }

  /** Resolves when no statement of it is under way any more. Idempotent. */
  async close(): Promise<void> {
    this.closed = true;
    clearTimeout(this.timer);
    await this.collecting;
  }

  private wait(ms: number): void {
    this.timer = setTimeout(() => {
      this.collecting = this.turn();
    }, ms).unref();
  }

  /** An outage is told by all other statements. */
  private async turn(): Promise<void> {
    let pause = this.interval;
    try {
      if (this.database.connections > 0) await this.collect();
    } catch (error) {
      if (error instanceof PermissionDeniedError) {
        pause *= REFUSED;
        this.tell(error);
      }
    }
    if (!this.closed) this.wait(pause * (0.9 + Math.random() / 5));
  }

  private tell({ message }: PermissionDeniedError): void {
    if (this.told) return;
    this.told = true;
    this.events.emit('warning', {
      code: 'GARBAGE_STAYS',
      message: `This process may not delete what has expired, and tries again in an hour. Rows stay in the tables where no other process deletes them. ${message}`,
    });
  }
}
