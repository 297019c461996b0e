import type { SubscribeOptions } from '../../../ports/subscription.js';
import type { ReadTrouble } from '../../../core/read-trouble.js';
import { troubleOf } from '../../connections/read-answers.js';
import type { DriverParts } from '../connection/driver-parts.js';
import type { NatsDeadLetters } from '../dead-letters/nats.dead-letters.js';
import type { Durables } from '../groups/durables.js';
import type { Groups } from '../groups/groups.js';
import type { Leases } from '../leases/leases.js';
import type { Delivered, NatsLease } from '../leases/nats.lease.js';
import { DurableReading, type DurableReadingOptions } from './durable-reading.js';
import { readDelivered, readRedriven } from './read-entries.js';
import { RedrivenReadings } from './redriven-readings.js';
import { StreamReading } from './stream-reading.js';

/** What reading is made of. */
export interface ReadingParts extends DriverParts {
  readonly groups: Groups;
  readonly durables: Durables;
  readonly leases: Leases;
  readonly deadLetters: NatsDeadLetters;
  /** Hands entries to other consumers that the engine has not had, and counts no run. */
  readonly releaseUnrun: (leases: readonly NatsLease[]) => Promise<void>;
}

export interface ReadingListeners {
  readonly onDelivered: (reading: DurableReading, delivered: Delivered) => void;
  /** More may be asked for, or from another durable. */
  readonly onChange: () => void;
  readonly onFailed: (error: Error) => void;
}

/** All durables that a subscription reads: one for each stream, and one for its redriven messages. */
export class Readings {
  readonly streams: readonly StreamReading[];
  readonly redriven: RedrivenReadings;

  constructor(
    private readonly options: SubscribeOptions,
    private readonly parts: ReadingParts,
    private readonly listeners: ReadingListeners,
  ) {
    const streams = [...new Set(options.streams)];
    const { group, idleTimeout } = options;
    const { onChange, onFailed } = listeners;
    this.streams = streams.map((stream) => this.readingOf(stream));
    this.redriven = new RedrivenReadings({
      ...{ ...parts, group, streams, idleTimeout, onFailed, onFound: onChange },
      redriven: parts.deadLetters.redriven,
      isThere: async (stream) => !(await parts.groups.isDeleted(stream, group)),
      make: (stream) => this.redrivenOf(stream),
    });
  }

  get all(): DurableReading[] {
    return [...this.streams.map(({ main }) => main), ...this.redriven.all];
  }

  /** What keeps the durables from being read. */
  get trouble(): ReadTrouble {
    return troubleOf(
      this.streams.map(({ stream, main, found }) => ({
        stream,
        answers: [main.requests.answers, found],
      })),
    );
  }

  /** Call it from time to time. */
  tick(): void {
    for (const stream of this.streams) stream.tick();
    this.redriven.tick();
  }

  /** Looks at the state of all durables at once. */
  inspect(): void {
    for (const stream of this.streams) stream.inspectNow();
    this.redriven.inspectAll();
  }

  /** Resolves when all that the server had sent has come. */
  async stop(): Promise<void> {
    for (const stream of this.streams) stream.stop();
    await Promise.all([
      this.redriven.stop(),
      ...this.streams.map(({ main }) => main.requests.end()),
    ]);
  }

  private readingOf(stream: string): StreamReading {
    const reading: StreamReading = new StreamReading({
      ...{ ...this.options, ...this.parts, stream },
      main: this.durableReading(stream, readDelivered, () => reading.lost()),
      onFound: this.listeners.onChange,
    });
    return reading;
  }

  private redrivenOf(stream: string): DurableReading {
    const decode = readRedriven((deadLetter) => this.parts.deadLetters.moved(deadLetter));
    const reading: DurableReading = this.durableReading(stream, decode, () =>
      this.redriven.lost(reading),
    );
    return reading;
  }

  private durableReading(
    stream: string,
    decode: DurableReadingOptions['decode'],
    onMissing: () => void,
  ): DurableReading {
    const { connection, durables, names } = this.parts;
    const { onDelivered, onFailed, onChange: onEnded } = this.listeners;
    return new DurableReading({
      ...{ connection, durables, stream, decode, onMissing, onDelivered, onEnded, onFailed },
      recordPrefix: names.groupKey(stream, this.options.group),
    });
  }
}
