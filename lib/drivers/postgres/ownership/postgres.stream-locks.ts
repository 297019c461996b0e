import type { Guard } from '../../../core/guard.js';
import type { HeldStream, StreamPlace } from '../../../core/held-stream.js';
import type { Fields } from '../../../core/message.js';
import type {
  CompleteOutcome,
  HandOverTarget,
  LetGoOutcome,
  StreamHandOverOutcome,
  StreamLocks,
  TakeOutcome,
} from '../../../ports/stream-locks.js';
import type { Database } from '../connection/database.js';
import type { Statements } from '../connection/statements.js';
import { findGroups } from '../groups/find-groups.js';
import { MESSAGE_IDS } from '../ids/message-ids.js';
import { fromStored, toStored } from '../sql/exact-text.js';
import type { Streams } from '../streams/streams.js';
import { lockKey } from './lock-key.js';
import type { PostgresStreamInputs } from './postgres.stream-inputs.js';

const GIVING_BACK = 'giving a stream back';
const RELEASE = 'release_stream';
/** Number of owners that died, as other programs count them. */
const COUNT = '_retry_count';

export interface PostgresLocksOptions {
  readonly database: Database;
  readonly streams: Streams;
  readonly service: string;
  readonly consumer: string;
  readonly lease: number;
  readonly inputs: PostgresStreamInputs;
}

/** Locks of streams as rows of the table `lease`. Each step checks lock and input together. */
export class PostgresStreamLocks implements StreamLocks {
  constructor(private readonly options: PostgresLocksOptions) {}

  async holders(places: readonly StreamPlace[]): Promise<(string | undefined)[]> {
    const keys = places.map(({ stream }) => this.key(stream));
    const { rows } = await this.options.database.query<{ key: string; owner: string; id: string }>(
      'looking at locks',
      `select key, owner, input as id from {schema}.lease
      where key = any ($1) and owner is not null and expires_at > clock_timestamp()`,
      [[...new Set(keys)]],
    );
    const locks = new Map(rows.map((row) => [row.key, row]));
    return places.map(({ id }, index) => {
      const lock = locks.get(keys[index]!);
      return lock?.id === id ? fromStored(lock.owner) : undefined;
    });
  }

  async take({ stream, id }: StreamPlace, ours: boolean): Promise<TakeOutcome> {
    const { database, inputs, lease } = this.options;
    if (!MESSAGE_IDS.accepts(id)) return { word: 'gone' };
    const { rows } = await database.query<{ word: TakeOutcome['word']; token: string }>(
      'taking a stream',
      'select * from {schema}.take_stream($1, $2, $3, $4, $5, $6)',
      [this.key(stream), this.name, await inputs.group(), id, lease, ours],
    );
    const { word, token } = rows[0]!;
    return word === 'taken' ? { word, token: Number(token) } : { word };
  }

  async extend(held: readonly HeldStream[]): Promise<('held' | 'lost')[]> {
    const { database, inputs, lease } = this.options;
    const { rows } = await database.query<{ at: string }>(
      'extending locks',
      `with mine as (
        select asked.at, l.key
        from unnest($3::text[], $4::bigint[], $5::bigint[]) with ordinality
          as asked(key, token, input, at)
        join {schema}.lease l on l.key = asked.key and l.token = asked.token
          and l.input = asked.input and l.owner = $1
        where exists (select from {schema}.delivery d where d.grp = $2
          and d.message = asked.input and d.redrive = 0 and d.consumer = $1)
        order by l.key for update of l
      ), kept as (
        update {schema}.lease l set expires_at = clock_timestamp() + $6 * interval '1 millisecond'
        from mine where l.key = mine.key
      )
      select at from mine`,
      [
        this.name,
        await inputs.group(),
        held.map(({ stream }) => this.key(stream)),
        held.map(({ token }) => token),
        held.map(({ id }) => id),
        lease,
      ],
    );
    const kept = new Set(rows.map(({ at }) => Number(at) - 1));
    return held.map((_, index) => (kept.has(index) ? 'held' : 'lost'));
  }

  /** Works also where the lock has expired, and no other consumer has taken the stream. */
  async complete(held: HeldStream, group?: string): Promise<CompleteOutcome> {
    const data = group === undefined ? null : await this.numberOf(held.stream, group);
    return this.end<CompleteOutcome>('completing a stream', 'complete_stream', held, [data]);
  }

  async release(held: HeldStream): Promise<LetGoOutcome> {
    const word = await this.end<LetGoOutcome | 'counted'>(GIVING_BACK, RELEASE, held, [false]);
    return word === 'counted' ? this.releaseCounted(held) : word;
  }

  async handOver(held: HeldStream, target: HandOverTarget): Promise<StreamHandOverOutcome> {
    const { streams, service, lease } = this.options;
    return this.end('handing a stream over', 'hand_stream', held, [
      ...[lease, streams.prefix, toStored(service)],
      ...[toStored(target.consumer), toStored(target.said), target.handed],
    ]);
  }

  guards({ stream, token }: HeldStream): Guard[] {
    return [{ key: this.key(stream), value: String(token) }];
  }

  /** The count of dead owners ends: this owner lives. A new input takes the place of the old one. */
  private async releaseCounted(held: HeldStream): Promise<LetGoOutcome> {
    const { database, inputs } = this.options;
    const [input] = await inputs.read([held.id]);
    const kept = withoutCount(input?.fields ?? []);
    const word = await database.transaction(GIVING_BACK, async (own) => {
      const outcome = await this.end<LetGoOutcome>(GIVING_BACK, RELEASE, held, [true], own);
      if (outcome === 'settled') await inputs.addBy(own, kept);
      return outcome;
    });
    await inputs.told();
    return word;
  }

  private async end<Word extends string>(
    action: string,
    name: string,
    { stream, id, token }: HeldStream,
    more: readonly unknown[],
    on: Statements = this.options.database,
  ): Promise<Word> {
    const group = await this.options.inputs.group();
    const values = [this.key(stream), this.name, token, group, id, ...more];
    const places = values.map((_, index) => `$${index + 1}`).join(', ');
    const { rows } = await on.query<{ word: Word }>(
      action,
      `select {schema}.${name}(${places}) as word`,
      values,
    );
    return rows[0]!.word;
  }

  /** The number of the group that reads a data stream. Null: there is none. */
  private async numberOf(stream: string, group: string): Promise<number | null> {
    const { database, streams } = this.options;
    const [found] = await findGroups(database, streams.prefix, [stream], group);
    return found!.grp;
  }

  private get name(): string {
    return toStored(this.options.consumer);
  }

  private key(stream: string): string {
    return lockKey(this.options.streams.prefix, stream);
  }
}

const withoutCount = (fields: Fields): string[] =>
  fields.filter((_, at) => fields[at - (at % 2)] !== COUNT);
