import type { Subscription } from '@nats-io/transport-node';
import { systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { NatsConnection } from '../connection/nats-connection.js';
import type { Durables } from '../groups/durables.js';
import { nextGeneration } from '../groups/group-records.js';
import { redrivenDurable } from '../groups/redriven-durable.js';
import type { Names } from '../names/names.js';
import { token } from '../names/names.js';
import type { Redriven } from '../dead-letters/redriven.js';
import type { DurableReading } from './durable-reading.js';

/** How often to look for messages whose hint was lost, in milliseconds. One request for all streams. */
const LOOK_EVERY = 60_000;

export interface RedrivenReadingsOptions {
  readonly connection: NatsConnection;
  readonly names: Names;
  readonly durables: Durables;
  readonly redriven: Redriven;
  readonly group: string;
  readonly streams: readonly string[];
  readonly idleTimeout: number;
  /** Whether the group of the stream is there. One that was deleted on purpose reads nothing more. */
  readonly isThere: (stream: string) => Promise<boolean>;
  readonly make: (stream: string) => DurableReading;
  readonly onFound: () => void;
  readonly onFailed: (error: Error) => void;
}

/**
 * Reads redriven messages of the streams of a subscription. A durable is read only while there are
 * messages for it: a subscription to their subject tells of new ones, without asking the server.
 */
export class RedrivenReadings {
  /** By stream. */
  private readonly readings = new Map<string, DurableReading>();
  private readonly byToken: ReadonlyMap<string, string>;
  private hints: Subscription | undefined;
  private looking = false;
  private lookAllAt = systemClock.now() + LOOK_EVERY;
  /** Streams that may have messages, for the next look. */
  private readonly hinted = new Set<string>();

  constructor(private readonly options: RedrivenReadingsOptions) {
    this.byToken = new Map(options.streams.map((stream) => [token(stream), stream]));
  }

  get all(): Iterable<DurableReading> {
    return this.readings.values();
  }

  /** Begins to listen, and looks for messages that wait. */
  async open(): Promise<void> {
    const { connection, names, group } = this.options;
    const client = await connection.client('listening for redriven messages');
    const subject = `_streams.${names.prefix}.redriven.*.${token(group)}.*`;
    this.hints = client.subscribe(subject, {
      callback: (error, message) => {
        if (error) return this.options.onFailed(error);
        const stream = this.byToken.get(message.subject.split('.')[3]!);
        if (stream === undefined) return;
        this.hinted.add(stream);
        this.look();
      },
    });
    await this.lookAtAll();
  }

  /** Looks for messages whose hint may be lost, after an outage. */
  lookAgain(): void {
    this.lookAllAt = systemClock.now() + LOOK_EVERY;
    for (const stream of this.options.streams) this.hinted.add(stream);
    this.look();
  }

  /** Reads no longer where all messages are settled. Call it from time to time. */
  tick(): void {
    const active = [...this.readings].filter(
      ([, { active: is, held, waiting }]) => is && held.size === 0 && waiting === 0,
    );
    for (const [stream] of active) this.hinted.add(stream);
    const now = systemClock.now();
    // A hint may be lost on its way.
    if (now >= this.lookAllAt) {
      this.inspectAll();
      return this.lookAgain();
    }
    if (this.hinted.size > 0) this.look();
  }

  /** Looks at the state of all durables that are read. */
  inspectAll(): void {
    for (const reading of this.readings.values()) this.inspect(reading);
  }

  /** Looks whether others have changed the durable. */
  private inspect(reading: DurableReading): void {
    if (!reading.active) return;
    const { durables, names, redriven, group, onFailed } = this.options;
    const look = async (): Promise<void> => {
      const info = await durables.info(reading);
      if (typeof info !== 'object') return this.lost(reading);
      const where = redrivenDurable(names, redriven, reading.stream, group);
      reading.know(await durables.lower(where, info));
    };
    look().catch((error: unknown) => {
      if (!(error instanceof ClosedError || error instanceof ConnectionError))
        onFailed(error as Error);
    });
  }

  /** The durable vanished: it is looked for again. */
  lost(reading: DurableReading): void {
    reading.active = false;
    this.hinted.add(reading.stream);
    this.look();
  }

  async stop(): Promise<void> {
    this.hints?.unsubscribe();
    this.hints = undefined;
    await Promise.all([...this.readings.values()].map(({ requests }) => requests.end()));
  }

  private async lookAtAll(): Promise<void> {
    await this.lookAt(this.options.streams);
  }

  private look(): void {
    if (this.looking || !this.hints) return;
    this.looking = true;
    this.lookAtHinted()
      .catch((error: unknown) => {
        if (error instanceof ClosedError || error instanceof ConnectionError) return;
        this.options.onFailed(error as Error);
      })
      .finally(() => (this.looking = false));
  }

  private async lookAtHinted(): Promise<void> {
    while (this.hinted.size > 0 && this.hints) {
      const streams = [...this.hinted];
      this.hinted.clear();
      try {
        await this.lookAt(streams);
      } catch (error) {
        // The next tick looks again.
        for (const stream of streams) this.hinted.add(stream);
        throw error;
      }
    }
  }

  private async lookAt(streams: readonly string[]): Promise<void> {
    const { redriven, group } = this.options;
    const waiting = await redriven.areWaiting(streams, group);
    for (const [at, stream] of streams.entries()) {
      const known = this.readings.get(stream);
      if (waiting[at]) await this.read(stream);
      else if (known && known.held.size === 0) known.active = false;
    }
  }

  private async read(stream: string): Promise<void> {
    const { names, durables, redriven, group, idleTimeout, make, onFound } = this.options;
    if (this.readings.get(stream)?.active || !(await this.options.isThere(stream))) return;
    const wanted = redrivenDurable(names, redriven, stream, group);
    const made = await durables.create({
      ...{ ...wanted, group, behind: 0, epoch: 0, generation: nextGeneration() },
      ackWait: idleTimeout,
    });
    let info = made === 'exists' ? await durables.info(wanted) : made;
    if (typeof info === 'object') {
      info = await durables.reconcile(info, { ...wanted, ackWait: idleTimeout });
    }
    if (typeof info !== 'object' || !this.hints) return;
    const reading = this.readings.get(stream) ?? make(stream);
    this.readings.set(stream, reading);
    reading.use(wanted, info);
    onFound();
  }
}
