import { systemClock } from '../../../core/clock.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Fields } from '../../../core/message.js';
import type { PendingInput, StreamInput, StreamInputs } from '../../../ports/stream-inputs.js';
import type { Database } from '../connection/database.js';
import type { Hints } from '../connection/hints.js';
import type { Listener } from '../connection/listener.js';
import type { Statements } from '../connection/statements.js';
import { createGroup } from '../groups/create-group.js';
import { MESSAGE_IDS } from '../ids/message-ids.js';
import { onMessages, tellOfMessages } from '../publishing/message-hints.js';
import { publishStatement } from '../publishing/publish-statement.js';
import { withStreams } from '../publishing/with-streams.js';
import { WakeUp } from '../../connections/wake-up.js';
import { fromStored, toStored } from '../sql/exact-text.js';
import { fieldsOf } from '../sql/stored-fields.js';
import type { Streams } from '../streams/streams.js';

/** The field that says why an input is a dead letter. */
const REASON = '_dlq_reason';

export interface PostgresInputsOptions {
  readonly database: Database;
  readonly streams: Streams;
  readonly hints: Hints;
  readonly listener: Listener;
  readonly events: EventBus;
  readonly service: string;
  readonly consumer: string;
  readonly blockTimeout: number;
  /** The lease of a lock, in milliseconds. */
  readonly lease: number;
}

interface Place {
  /** The number of the group. */
  readonly grp: number;
  /** The number of the stream of inputs. */
  readonly number: number;
}

/** The stream `<service>-input` and its group: an ordinary stream, of which each input is deleted. */
export class PostgresStreamInputs implements StreamInputs {
  private readonly stream: string;
  private readonly letters: string;
  private readonly wakeUp = new WakeUp();
  private readonly deaf: () => void;
  private place: Promise<Place> | undefined;
  private number: number | undefined;
  private closed = false;

  constructor(private readonly options: PostgresInputsOptions) {
    this.stream = `${options.service}-input`;
    this.letters = `${options.service}-input-dlq`;
    const isRead = (stream: number): boolean => stream === this.number;
    this.deaf = onMessages(options.listener, isRead, () => this.wakeUp.wake());
  }

  /** The number of the group of inputs, which is created where it does not exist. */
  async group(): Promise<number> {
    return (await this.placed()).grp;
  }

  async add(fields: Fields): Promise<string> {
    if (this.closed) throw new ClosedError('The load balancer');
    const id = await this.addBy(this.options.database, fields);
    await this.told();
    return id;
  }

  /** Adds an input as part of a transaction. Call `told` after the commit. */
  addBy(on: Statements, fields: Fields): Promise<string> {
    return this.publish(on, this.stream, fields);
  }

  /** Tells the consumers of the service of new inputs. */
  async told(): Promise<void> {
    const { streams, hints } = this.options;
    tellOfMessages(hints, [await streams.idOf(this.stream)]);
  }

  async pull(limit: number): Promise<StreamInput[]> {
    const end = systemClock.now() + this.options.blockTimeout;
    while (!this.closed) {
      const inputs = await this.take(limit);
      const left = end - systemClock.now();
      if (inputs.length > 0 || left <= 0) return inputs;
      await this.wakeUp.wait(Math.min(left, this.options.listener.pollInterval));
    }
    return [];
  }

  async pending(after: string | undefined, limit: number): Promise<PendingInput[]> {
    const { database, lease } = this.options;
    const { rows } = await database.query<{ id: string; owner: string; idle: number }>(
      'looking for abandoned streams',
      `select d.message as id, d.consumer as owner, greatest(0, 1000 * extract(epoch from
        clock_timestamp() - greatest(d.fresh_at, l.expires_at - $4 * interval '1 millisecond')
      ))::float8 as idle
      from {schema}.delivery d
      left join {schema}.lease l on l.input = d.message and l.owner = d.consumer
      where d.grp = $1 and not d.free and d.redrive = 0 and d.record is null and d.message > $2
      order by d.message limit $3`,
      [await this.group(), after ?? '0', limit, lease],
    );
    return rows.map(({ id, owner, idle }) => ({ id, owner: fromStored(owner), idle }));
  }

  async adopt(rows: readonly PendingInput[]): Promise<void> {
    await this.options.database.query(
      'adopting inputs',
      'select {schema}.adopt_inputs($1, $2, $3, $4)',
      [
        ...[await this.group(), toStored(this.options.consumer)],
        rows.map(({ id }) => id),
        rows.map(({ owner }) => toStored(owner)),
      ],
    );
  }

  async read(ids: readonly string[]): Promise<StreamInput[]> {
    const { number } = await this.placed();
    const { rows } = await this.options.database.query<{ id: string; fields: string }>(
      'looking at inputs',
      'select id, fields from {schema}.message where stream = $1 and id = any ($2::bigint[])',
      [number, ids.filter((id) => MESSAGE_IDS.accepts(id))],
    );
    const found = new Map(rows.map((row) => [row.id, fieldsOf(row)]));
    return ids.map((id) => ({ id, fields: found.get(id) }));
  }

  async discard({ id, fields }: StreamInput, reason: string): Promise<boolean> {
    if (!MESSAGE_IDS.accepts(id)) return false;
    const action = 'discarding an input';
    const group = await this.group();
    return this.options.database.transaction(action, async (own) => {
      const { rows } = await own.query<{ done: boolean }>(
        action,
        'select {schema}.discard_input($1, $2) as done',
        [group, id],
      );
      const { done } = rows[0]!;
      if (done && fields) await this.publish(own, this.letters, [...fields, REASON, reason]);
      return done;
    });
  }

  problemOf(stream: string): string | undefined {
    const { service } = this.options;
    if (![this.stream, this.letters].includes(stream)) return undefined;
    return `"${stream}" holds the assignments of service "${service}" themselves: announce another stream`;
  }

  close(): void {
    this.closed = true;
    this.deaf();
    this.wakeUp.wake();
  }

  private async take(limit: number): Promise<StreamInput[]> {
    const { database, consumer } = this.options;
    const { rows } = await database.query<{ id: string | null; fields: string | null }>(
      'reading streams',
      'select * from {schema}.pull_inputs($1, $2, $3)',
      [await this.group(), toStored(consumer), limit],
    );
    // The group was deleted.
    if (rows.some(({ id }) => id === null)) this.place = undefined;
    return rows.flatMap(({ id, fields }) =>
      id === null ? [] : { id, fields: fields === null ? undefined : fieldsOf({ fields }) },
    );
  }

  private async publish(on: Statements, stream: string, fields: Fields): Promise<string> {
    return withStreams(this.options.streams, [stream], async (numbers) => {
      const { text, values } = publishStatement([{ stream, fields }], numbers);
      const { rows } = await on.query<{ ids: [string] }>('adding an input', text, values);
      return rows[0]!.ids[0];
    });
  }

  private placed(): Promise<Place> {
    this.place ??= this.create().catch((error: unknown) => {
      this.place = undefined;
      throw error;
    });
    return this.place;
  }

  /**
   * The group begins at the first input: finished ones are deleted, so each input that is there has
   * to be worked on.
   */
  private async create(): Promise<Place> {
    const { service } = this.options;
    const group = { stream: this.stream, group: `${service}-group`, startId: '0', revived: true };
    const { grp, number } = await createGroup(this.options, group);
    this.number = number;
    return { grp: grp!, number };
  }
}
