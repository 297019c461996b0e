import type { TimerHandle } from '../../../core/clock.js';
import { compareEntryIds } from '../../entry-ids/entry-id.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { Fields } from '../../../core/message.js';
import type { PendingInput, StreamInput, StreamInputs } from '../../../ports/stream-inputs.js';
import type { ConsumerGroup } from '../broker/consumer-group.js';
import type { Pending } from '../broker/pending-entry.js';
import type { BrokerReader, MemoryBroker } from '../broker/memory.broker.js';
import type { MemoryStream } from '../broker/memory-stream.js';

/** Idle time of an input that was given back: a day, in milliseconds. */
const ONE_DAY = 86_400_000;
const REASON = '_dlq_reason';
/** Number of owners that died, as other programs count them. */
const COUNT = '_retry_count';

export interface MemoryInputsOptions {
  readonly broker: MemoryBroker;
  readonly keyPrefix: string;
  readonly service: string;
  readonly consumer: string;
  readonly blockTimeout: number;
}

interface Waiting {
  readonly limit: number;
  readonly timer: TimerHandle;
  readonly resolve: (inputs: StreamInput[]) => void;
}

/** The inputs of a service, read in its group. */
export class MemoryStreamInputs implements StreamInputs, BrokerReader {
  private readonly stream: MemoryStream;
  private readonly group: ConsumerGroup;
  private waiting: Waiting | undefined;
  private closed = false;

  constructor(private readonly options: MemoryInputsOptions) {
    const { broker, keyPrefix, service } = options;
    this.stream = broker.stream(`${keyPrefix}${service}-input`);
    this.group = this.stream.log.group(`${service}-group`, '0');
  }

  async add(fields: Fields): Promise<string> {
    if (this.closed) throw new ClosedError('The load balancer');
    return this.append(fields);
  }

  async pull(limit: number): Promise<StreamInput[]> {
    const { broker, blockTimeout } = this.options;
    const inputs = this.take(limit);
    if (inputs.length > 0 || this.closed) return inputs;
    return new Promise((resolve) => {
      const timer = broker.clock.setTimeout(() => this.answer([]), blockTimeout);
      this.waiting = { limit, timer, resolve };
      broker.wait(this);
    });
  }

  serve(): void {
    if (!this.waiting) return;
    const inputs = this.take(this.waiting.limit);
    if (inputs.length > 0) this.answer(inputs);
  }

  /** A new input wakes a pull at once. */
  unfinished(): [] {
    return [];
  }

  async pending(after: string | undefined, limit: number): Promise<PendingInput[]> {
    const now = this.options.broker.clock.now();
    return [...this.group.allPending.values()]
      .filter(({ id }) => after === undefined || compareEntryIds(id, after) > 0)
      .slice(0, limit)
      .map(({ id, consumer = '', deliveredAt }) => ({
        id,
        owner: consumer,
        idle: now - deliveredAt,
      }));
  }

  async adopt(rows: readonly PendingInput[]): Promise<void> {
    for (const { id, owner } of rows) {
      const pending = this.find(id);
      if (pending?.consumer === owner) this.moveTo(id, this.options.consumer);
    }
  }

  async read(ids: readonly string[]): Promise<StreamInput[]> {
    return ids.map((id) => ({ id, fields: this.fieldsOf(id) }));
  }

  async discard({ id, fields }: StreamInput, reason: string): Promise<boolean> {
    const { broker, keyPrefix, service } = this.options;
    if (!this.find(id)) return false;
    const letters = `${keyPrefix}${service}-input-dlq`;
    if (fields) broker.append(letters, [...fields, REASON, reason]);
    this.remove(id);
    return true;
  }

  problemOf(stream: string): string | undefined {
    const { service } = this.options;
    if (![`${service}-input`, `${service}-input-dlq`].includes(stream)) return undefined;
    return `"${stream}" holds the assignments of service "${service}" themselves: announce another stream`;
  }

  find(id: string): Pending | undefined {
    return [...this.group.allPending.values()].find((pending) => pending.id === id);
  }

  /** Marks the input as handed out to this consumer just now. */
  moveTo(id: string, consumer: string): void {
    const pending = this.find(id)!;
    pending.consumer = consumer;
    pending.deliveredAt = this.options.broker.clock.now();
  }

  /** Acknowledges and deletes the input. */
  remove(id: string): void {
    for (const [position, pending] of this.group.allPending) {
      if (pending.id === id) this.group.remove(position);
    }
    this.stream.log.entries.delete(id);
    this.options.broker.changed();
  }

  /** Any consumer may take the input at once. The count of dead owners ends: this owner lives. */
  giveBack(id: string): void {
    const fields = this.fieldsOf(id) ?? [];
    const kept = fields.filter((_, at) => fields[at - (at % 2)] !== COUNT);
    if (kept.length === fields.length || kept.length === 0) {
      this.find(id)!.deliveredAt = this.options.broker.clock.now() - ONE_DAY;
      return;
    }
    this.remove(id);
    this.append(kept);
  }

  close(): void {
    this.closed = true;
    this.answer([]);
  }

  private append(fields: Fields): string {
    const { broker } = this.options;
    const id = this.stream.append(fields, broker.clock.wallTime());
    broker.wake();
    return id;
  }

  private fieldsOf(id: string): Fields | undefined {
    for (const [, entry] of this.stream.log.entries.present()) {
      if (entry.id === id) return entry.fields;
    }
    return undefined;
  }

  private take(limit: number): StreamInput[] {
    if (this.closed) return [];
    const { broker, consumer } = this.options;
    const positions = this.group.read(consumer, limit, broker.clock.now());
    if (positions.length > 0) broker.changed();
    return positions.map((position) => {
      const { id, fields } = this.stream.log.entries.at(position)!;
      return { id, fields };
    });
  }

  private answer(inputs: StreamInput[]): void {
    const { waiting } = this;
    if (!waiting) return;
    this.waiting = undefined;
    const { broker } = this.options;
    broker.clock.clearTimeout(waiting.timer);
    broker.endWait(this);
    waiting.resolve(inputs);
  }
}
