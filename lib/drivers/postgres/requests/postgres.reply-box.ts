import { randomBytes } from 'node:crypto';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { ConnectionError } from '../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { Fields } from '../../../core/message.js';
import type { ReplyBox, ReplyBoxOptions } from '../../../ports/replies.js';
import { fieldsOf } from '../sql/stored-fields.js';
import type { PostgresRepliesOptions } from './replies.options.js';
import { REPLIES_KIND } from './replying.js';

/** A client that has not refreshed its reply box for this time is gone. */
const EXPIRY = '60 seconds';
/** A reply box that was refreshed within this time takes answers, in milliseconds. */
const REFRESH = 20_000;
/**
 * Interval at which a client that waits for answers refreshes its reply box, in milliseconds: the box
 * may have been deleted.
 */
const KEEP_EVERY = 5000;
/** Most answers, and most bytes of them, of one read. */
const AT_ONCE = 1000;
const MOST_BYTES = 4_000_000;
/** First interval of looks where no hints arrive, in milliseconds. */
const FIRST_LOOK = 10;
/** After reads have failed for this time answers may come too late, in milliseconds. */
const LOST_AFTER = 5000;

interface Row {
  readonly id: string;
  readonly fields: string;
  /** How many answers the read has found, before it was cut to its most bytes. */
  readonly found: string;
}

/** A caller that has got an answer may ask again at once. */
const askersFirst = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

/**
 * The rows of one client's answers. While a caller waits they are read, after a hint or a look. A row
 * is deleted with the read after it, so that a broken connection loses none.
 */
export class PostgresReplyBox implements ReplyBox {
  readonly address = `client-${randomBytes(9).toString('base64url')}`;
  /** Number of the box in its table. */
  private id: string | undefined;
  private keptAt = -Infinity;
  private opening: Promise<void> | undefined;
  private reading: Promise<void> | undefined;
  /** Answers that were handed over and not deleted. */
  private handed: string[] = [];
  private heard = false;
  private rest = new AbortController();
  private deaf: (() => void) | undefined;
  /** Milliseconds until the next look where no hints arrive. */
  private nextLook = FIRST_LOOK;
  private readonly pauses = new Backoff(100, 1000);
  private failingSince: number | undefined;
  private closed = false;

  constructor(private readonly options: PostgresRepliesOptions & ReplyBoxOptions) {}

  ready(): Promise<void> | undefined {
    if (this.closed) return Promise.reject(new ClosedError('The client'));
    if (performance.now() < this.keptAt + REFRESH) {
      this.read();
      return undefined;
    }
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.deaf?.();
    this.rest.abort();
    await Promise.all([this.reading, this.opening?.catch(() => undefined)]);
    // A failure is ignored: the box expires by itself.
    await this.remove().catch(() => undefined);
  }

  private async open(): Promise<void> {
    await this.keep();
    if (this.closed) throw new ClosedError('The client');
    this.deaf ??= this.options.listener.on(REPLIES_KIND, (what) => this.hear(what));
    this.read();
  }

  /** Creates the box, also again where it has expired, and puts off its expiry. */
  private async keep(): Promise<void> {
    const { database, streams } = this.options;
    const asked = performance.now();
    const { rows } = await database.query<{ id: string }>(
      'keeping a reply box',
      `insert into {schema}.reply_box (prefix, address, fresh_until)
      values ($1, $2, clock_timestamp() + interval '${EXPIRY}')
      on conflict (prefix, address) do update set fresh_until = excluded.fresh_until returning id`,
      [streams.prefix, this.address],
    );
    const { id } = rows[0]!;
    if (id !== this.id) this.handed = [];
    this.id = id;
    this.keptAt = asked;
  }

  private async remove(): Promise<void> {
    if (this.id === undefined) return;
    const text = 'delete from {schema}.reply_box where id = $1';
    await this.options.database.query('removing a reply box', text, [this.id]);
  }

  private hear(what: readonly string[]): void {
    if (what.length > 0 && !what.includes(this.id!)) return;
    this.heard = true;
    this.rest.abort();
  }

  private read(): void {
    this.nextLook = FIRST_LOOK;
    if (!this.options.listener.hears) this.rest.abort();
    this.reading ??= this.readWhileWaiting().finally(() => (this.reading = undefined));
  }

  private async readWhileWaiting(): Promise<void> {
    while (!this.closed && this.options.waiting()) {
      await this.untilNextRead();
      if (this.closed) return;
      const found = await this.attempt();
      if (found.length === 0) continue;
      this.nextLook = FIRST_LOOK;
      this.options.onReplies(found);
      await askersFirst();
    }
  }

  /** Waits for a hint, or until the next look. */
  private async untilNextRead(): Promise<void> {
    const { hears, pollInterval } = this.options.listener;
    const wait = hears ? pollInterval : Math.min(this.nextLook, pollInterval);
    this.nextLook = 2 * wait;
    this.rest = new AbortController();
    if (!this.heard) await sleep(systemClock, wait, this.rest.signal);
    this.heard = false;
  }

  private async attempt(): Promise<Fields[]> {
    const began = performance.now();
    try {
      if (began > this.keptAt + KEEP_EVERY) await this.keep();
      const found = await this.take();
      this.failingSince = undefined;
      this.pauses.reset();
      return found;
    } catch (error) {
      await this.failed(error as Error, began);
      return [];
    }
  }

  /** Reads the next answers, and deletes those that were handed over. */
  private async take(): Promise<Fields[]> {
    const { rows } = await this.options.database.query<Row>(
      'awaiting answers',
      `with gone as (delete from {schema}.reply where box = $1 and id = any($2::bigint[])),
      found as (
        select id, fields from {schema}.reply where box = $1 and id <> all($2::bigint[])
        order by id limit ${AT_ONCE}
      ), sized as (
        select id, fields, sum(octet_length(fields)) over (order by id) - octet_length(fields) as before
        from found
      )
      select id, fields, (select count(*) from found) as found
      from sized where before < ${MOST_BYTES} order by id`,
      [this.id, this.handed],
    );
    this.handed = rows.map(({ id }) => id);
    const found = Number(rows[0]?.found ?? 0);
    // There may be more than one read takes.
    if (found > rows.length || found === AT_ONCE) this.heard = true;
    return rows.map(fieldsOf);
  }

  /** @param began when the attempt began: it waits for a server that is away */
  private async failed(error: Error, began: number): Promise<void> {
    if (this.closed) return;
    // The failure that broke the connection may have deleted the box too.
    this.keptAt = -Infinity;
    const now = performance.now();
    this.failingSince ??= began;
    if (now - this.failingSince > LOST_AFTER) {
      this.failingSince = now;
      this.options.onLost(error);
    }
    if (!(error instanceof ConnectionError)) {
      this.options.events.emit('worker-error', { worker: 'reply reader', error });
    }
    await sleep(systemClock, this.pauses.next(), this.rest.signal);
  }
}
