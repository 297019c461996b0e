import type { Retention, StreamFootprint, Trimmed, TrimOrder } from '../../../ports/retention.js';
import type { Database } from '../connection/database.js';
import type { Streams } from '../streams/streams.js';
import { fromStored, toStored } from '../sql/exact-text.js';

/** Messages that one portion looks at: a few milliseconds of the server's time. */
const PORTION = 1000;
/** For how long the end of what exceeds `maxLength` is remembered between portions, in milliseconds. */
const LIMIT_GOOD_FOR = 2000;
/** Bytes of a row beside its fields, in the table and in the index. */
const ROW_BYTES = 80;
/** Above all ids and times. */
const ALL = '9223372036854775807';

interface Row {
  readonly deleted: number;
  readonly lost: number;
  readonly losers: string[];
  readonly next_from: string | null;
}

/** Which part of a stream may be deleted. */
interface Bounds {
  /** The highest id. */
  readonly upto: string;
  /** Only what was published before, in milliseconds since the epoch on the server's clock. */
  readonly maxAge: number | undefined;
  readonly allowLoss: boolean;
}

interface Portion {
  /** Groups that must exist. */
  readonly required: readonly string[];
  /** The lowest id. */
  readonly from: string;
}

interface Limit {
  readonly maxLength: number;
  /** The newest of the messages that are too many. */
  readonly upto: string;
  /** Milliseconds of this process. */
  readonly until: number;
}

const NOTHING: Trimmed = Object.freeze({ count: 0, lost: 0, groups: [], more: false });

/** Deletes messages of which no group has a row any more: exactly those that all have settled. */
export class PostgresRetention implements Retention {
  /**
   * Where the last portion ended, for streams whose oldest messages are not settled: those behind
   * them may be.
   */
  private readonly places = new Map<string, string>();
  private readonly limits = new Map<string, Limit>();

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
  ) {}

  async trim(stream: string, order: TrimOrder): Promise<Trimmed> {
    const id = await this.streams.find(stream);
    const bounds = id === undefined ? undefined : await this.boundsOf(stream, id, order);
    if (id === undefined || bounds === undefined) return NOTHING;
    const portion = (from: string) =>
      this.portion(id, { from, required: order.groups.map(toStored), ...bounds });
    const trimmed = trimmedOf(await this.firstToDelete(stream, portion, bounds));
    // Of the next visit's messages others may be too many.
    if (!trimmed.more) this.limits.delete(stream);
    return trimmed;
  }

  async footprint(stream: string, before = '0'): Promise<StreamFootprint | undefined> {
    const id = await this.streams.find(stream);
    if (id === undefined) return undefined;
    const { rows } = await this.database.query<{ before: string; bytes: string }>(
      'measuring a stream',
      `select count(*) filter (where id < $2) as before,
        count(*) * (${ROW_BYTES} + coalesce((
          select avg(pg_column_size(fields)) from (
            select fields from {schema}.message where stream = $1 order by id desc limit 1000) newest
        ), 0))::bigint as bytes
      from {schema}.message where stream = $1`,
      [id, before],
    );
    const { before: counted, bytes } = rows[0]!;
    return { bytes: Number(bytes), before: Number(counted) };
  }

  /**
   * The portion of the oldest messages. Where they are all needed: the portion behind them, with each
   * call another one.
   */
  private async firstToDelete(
    stream: string,
    portion: (from: string) => Promise<Row>,
    { allowLoss }: Bounds,
  ): Promise<Row> {
    const oldest = await portion('0');
    if (oldest.deleted > 0 || oldest.next_from === null || allowLoss) return oldest;
    const next = await portion(this.places.get(stream) ?? oldest.next_from);
    if (next.next_from === null) this.places.delete(stream);
    else this.places.set(stream, next.next_from);
    return next;
  }

  /** Undefined: the policy keeps all. */
  private async boundsOf(
    stream: string,
    id: number,
    { policy }: TrimOrder,
  ): Promise<Bounds | undefined> {
    if (policy === 'deleteWhenSettled') return { upto: ALL, maxAge: undefined, allowLoss: false };
    const allowLoss = policy.allowLoss === true;
    if ('maxAge' in policy) return { upto: ALL, maxAge: policy.maxAge, allowLoss };
    const upto = await this.limitOf(stream, id, policy.maxLength);
    return upto === undefined ? undefined : { upto, maxAge: undefined, allowLoss };
  }

  /**
   * The newest of the messages that are too many. Counting takes longer than a portion, and what was
   * too many stays so: it is remembered while the portions of one visit follow each other.
   */
  private async limitOf(
    stream: string,
    id: number,
    maxLength: number,
  ): Promise<string | undefined> {
    const known = this.limits.get(stream);
    if (known?.maxLength === maxLength && performance.now() < known.until) return known.upto;
    const { rows } = await this.database.query<{ id: string }>(
      'trimming a stream',
      'select id from {schema}.message where stream = $1 order by id desc offset $2 limit 1',
      [id, maxLength],
    );
    const upto = rows[0]?.id;
    const until = performance.now() + LIMIT_GOOD_FOR;
    if (upto !== undefined) this.limits.set(stream, { maxLength, upto, until });
    return upto;
  }

  private async portion(
    id: number,
    { required, from, upto, maxAge, allowLoss }: Bounds & Portion,
  ): Promise<Row> {
    const { rows } = await this.database.query<Row>(
      'trimming a stream',
      `select deleted, lost, losers, next_from from {schema}.trim($1, $2, $3, $4,
        coalesce({schema}.now_ms() - $5::bigint, ${ALL}), $6, ${PORTION})`,
      [id, required, from, upto, maxAge, allowLoss],
    );
    return rows[0]!;
  }
}

const trimmedOf = ({ deleted, lost, losers, next_from }: Row): Trimmed => ({
  count: deleted,
  lost,
  groups: losers.map(fromStored),
  more: deleted > 0 && next_from !== null,
});
