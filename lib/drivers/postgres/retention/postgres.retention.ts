import type { Retention, StreamFootprint, Trimmed, TrimOrder } from '../../../ports/retention.js';
import type { Database } from '../connection/database.js';
import type { Streams } from '../streams/streams.js';
import { fromStored, toStored } from '../sql/exact-text.js';

/** Messages that one portion looks at: a few milliseconds of the server's time. */
const PORTION = 1000;
/** Longest time that the portions of one visit go on from each other, in milliseconds. */
const VISIT = 5000;
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
  /** Only what is older, in milliseconds. */
  readonly maxAge: number | undefined;
  readonly allowLoss: boolean;
}

/** Portions of one stream that follow each other. */
interface Visit {
  /** The policy, as a text. */
  readonly policy: string;
  readonly bounds: Bounds;
  /** The lowest id of the next portion. */
  readonly from: string;
  /** Milliseconds of this process. */
  readonly until: number;
}

const NOTHING: Trimmed = Object.freeze({ count: 0, lost: 0, groups: [], more: false });

/** Deletes messages of which no group has a row any more: exactly those that all have settled. */
export class PostgresRetention implements Retention {
  /**
   * A visit begins at the oldest message, and each portion behind the one before. Deleted rows stay
   * until the next vacuum: a portion that began at the oldest message would pass over all of them.
   */
  private readonly visits = new Map<string, Visit>();
  /**
   * For streams whose oldest messages are all needed: where to look for those that are not, a portion
   * with each visit.
   */
  private readonly places = new Map<string, string>();

  constructor(
    private readonly database: Database,
    private readonly streams: Streams,
  ) {}

  async trim(stream: string, order: TrimOrder): Promise<Trimmed> {
    const id = await this.streams.find(stream);
    const visit = id === undefined ? undefined : await this.visitOf(stream, id, order);
    if (id === undefined || visit === undefined) return NOTHING;
    const required = order.groups.map(toStored);
    const portion = (from: string) => this.portion(id, { ...visit.bounds, from, required });
    const { deleted: count, lost, losers, next_from } = await this.next(stream, visit, portion);
    const more = count > 0 && next_from !== null;
    if (more) this.visits.set(stream, { ...visit, from: next_from });
    else this.visits.delete(stream);
    return { count, lost, groups: losers.map(fromStored), more };
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

  /** The next portion of the visit. Where its messages are all needed: one behind it. */
  private async next(
    stream: string,
    { from, bounds }: Visit,
    portion: (from: string) => Promise<Row>,
  ): Promise<Row> {
    const oldest = await portion(from);
    if (oldest.deleted > 0 || oldest.next_from === null || bounds.allowLoss) return oldest;
    const behind = await portion(this.places.get(stream) ?? oldest.next_from);
    if (behind.next_from === null) this.places.delete(stream);
    else this.places.set(stream, behind.next_from);
    return behind;
  }

  /** The visit that is under way, or a new one. Undefined: the policy keeps all. */
  private async visitOf(stream: string, id: number, order: TrimOrder): Promise<Visit | undefined> {
    const policy = JSON.stringify(order.policy);
    const known = this.visits.get(stream);
    const now = performance.now();
    if (known?.policy === policy && now < known.until) return known;
    const bounds = await this.boundsOf(id, order.policy);
    return bounds && { policy, bounds, from: '0', until: now + VISIT };
  }

  /** What is too many now stays so during the visit. */
  private async boundsOf(id: number, policy: TrimOrder['policy']): Promise<Bounds | undefined> {
    if (policy === 'deleteWhenSettled') return { upto: ALL, maxAge: undefined, allowLoss: false };
    const allowLoss = policy.allowLoss === true;
    if ('maxAge' in policy) return { upto: ALL, maxAge: policy.maxAge, allowLoss };
    const { rows } = await this.database.query<{ id: string }>(
      'trimming a stream',
      'select id from {schema}.message where stream = $1 order by id desc offset $2 limit 1',
      [id, policy.maxLength],
    );
    const upto = rows[0]?.id;
    return upto === undefined ? undefined : { upto, maxAge: undefined, allowLoss };
  }

  private async portion(
    id: number,
    {
      upto,
      maxAge,
      allowLoss,
      from,
      required,
    }: Bounds & { readonly from: string; readonly required: readonly string[] },
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
