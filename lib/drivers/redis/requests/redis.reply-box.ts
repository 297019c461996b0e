import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { RedisConnectionError } from '../../../core/errors/connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/events.js';
import type { Fields } from '../../../core/message.js';
import type { ReplyBox, ReplyBoxOptions } from '../../../ports/replies.js';
import { SlotPlace } from '../topology/slot-place.js';
import { slotOf } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';
import { Connection } from '../connection/connection.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';
import { isDemoted, isReply, typedError } from '../errors/reply-errors.js';
import type { Reply } from '../resp/reply-parser.js';
import { encodeCommand, Wire } from '../resp/wire.js';
import { keepBox } from './keep-box.script.js';

/** A client that is not heard of for so long has gone, ms. */
const EXPIRY = 60_000;
/** So often it is heard of, while it waits for answers, ms. */
const REFRESH = 20_000;
/** Longest wait of one read, ms. */
const BLOCK = 5000;
const GRACE = 2000;
const AT_ONCE = 1000;

/** Whoever has got an answer may ask again at once: that is written before the next read is. */
const askersFirst = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

export interface RedisReplyBoxOptions extends ReplyBoxOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
}

/**
 * The stream of one client's answers, read by one connection for all its requests: by plain blocking
 * reads behind the last id, so that nothing is lost where the connection is replaced. It expires by
 * itself when its client is gone.
 */
export class RedisReplyBox implements ReplyBox {
  readonly address = `client-${randomBytes(9).toString('base64url')}`;
  private readonly key: string;
  /** Where a cluster has it. */
  private readonly place: SlotPlace | undefined;
  private connection: Connection | undefined;
  private wire: Wire | undefined;
  private lastId = '0-0';
  private freshUntil = 0;
  private opening: Promise<void> | undefined;
  private reading = false;
  private made = false;
  private readonly backoff = new Backoff();
  private readonly closing = new AbortController();

  constructor(private readonly options: RedisReplyBoxOptions) {
    this.key = options.keys.replies(this.address);
    const { topology } = options.commands;
    if (topology) this.place = new SlotPlace(topology, slotOf(this.key));
  }

  ready(): Promise<void> | undefined {
    if (this.reading && performance.now() < this.freshUntil) return undefined;
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  async close(): Promise<void> {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    await this.connection?.close();
    if (!this.made || !this.options.commands.current) return;
    // It would expire by itself.
    await this.options.commands
      .run('removing a reply box', (client) => client.del(this.key), this.key)
      .catch(() => undefined);
  }

  private async open(): Promise<void> {
    await this.keep();
    if (this.closing.signal.aborted) {
      await this.options.commands.run(
        'removing a reply box',
        (client) => client.del(this.key),
        this.key,
      );
      throw new ClosedError('The client');
    }
    if (this.reading) return;
    const { connector, events } = this.options;
    const { place } = this;
    this.connection ??= new Connection({
      connector: place ? connector.at(() => place.locate()) : connector,
      role: 'replies',
      events,
      replyTimeout: BLOCK + GRACE,
    });
    await this.connection.ready('opening a reply box', connector.connectTimeout);
    if (this.reading || this.closing.signal.aborted) return;
    this.reading = true;
    void this.read();
  }

  /** Makes the stream, again where it has vanished, and puts its expiry off. */
  private async keep(): Promise<void> {
    const asked = performance.now();
    const made = await this.options.commands.run(
      'keeping a reply box',
      (client) => keepBox(client, this.key, EXPIRY),
      this.key,
    );
    if (made !== undefined) this.lastId = made;
    this.freshUntil = asked + REFRESH;
    this.made = true;
  }

  /** Reads while somebody waits, and for one more block: the next request may be near. */
  private async read(): Promise<void> {
    while (!this.closing.signal.aborted) {
      const wanted = this.options.waiting();
      if (wanted && performance.now() > this.freshUntil) await this.ready()?.catch(() => undefined);
      const found = await this.readOnce();
      if (found.length > 0) {
        this.options.onReplies(found);
        await askersFirst();
      } else if (wanted || this.options.waiting()) {
        // Nothing came for long: is it because the stream has vanished?
        this.freshUntil = 0;
      } else break;
    }
    this.reading = false;
  }

  private async readOnce(): Promise<Fields[]> {
    let client: Redis | undefined;
    try {
      client = await this.connected();
      if (!client) return [];
      const wire = this.wireOf(client);
      const limits = ['COUNT', AT_ONCE, 'BLOCK', BLOCK];
      const command = encodeCommand(['XREAD', ...limits, 'STREAMS', this.key, this.lastId]);
      const found = this.fieldsOf(await wire.request(command, this.place?.asking));
      this.backoff.reset();
      return found;
    } catch (error) {
      await this.recover(error, client);
      return [];
    }
  }

  /** Undefined where there is no connection in time: who waits is told. */
  private async connected(): Promise<Redis | undefined> {
    const { connector, onLost } = this.options;
    const connection = this.connection!;
    if (connection.current) return connection.current;
    try {
      return await connection.ready('awaiting answers', connector.commandTimeout);
    } catch (error) {
      if (!this.closing.signal.aborted) {
        onLost(new RedisConnectionError('unknown', 'awaiting answers', (error as Error).cause));
      }
      return undefined;
    }
  }

  private wireOf(client: Redis): Wire {
    if (this.wire?.client !== client) this.wire = new Wire(client, BLOCK + GRACE);
    return this.wire;
  }

  /** Of one stream: `[[key, entries]]` with RESP 2, a map with RESP 3. */
  private fieldsOf(reply: Reply): Fields[] {
    if (!Array.isArray(reply)) return [];
    const [, entries] = (Array.isArray(reply[0]) ? reply[0] : reply) as [
      string,
      [string, Fields][],
    ];
    this.lastId = entries.at(-1)![0];
    return entries.map(([, fields]) => fields);
  }

  private async recover(error: unknown, client: Redis | undefined): Promise<void> {
    if (this.closing.signal.aborted) return;
    // What broke the connection may have taken the stream with it.
    this.freshUntil = 0;
    if (client && this.place?.redirected(error)) this.connection?.discard(client);
    // A broken connection announces itself.
    else if (client && this.connection?.current === client) {
      const cause = typedError(error, 'awaiting answers', this.key, 'xread');
      this.options.events.emit('worker-error', { worker: 'reply reader', error: cause });
      if (isDemoted(error) || !isReply(error)) this.connection.discard(client);
    }
    await sleep(systemClock, this.backoff.next(), this.closing.signal);
  }
}
