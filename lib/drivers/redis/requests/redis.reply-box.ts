import { randomBytes } from 'node:crypto';
import { RedisConnectionError } from '../errors/redis-connection.errors.js';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { Fields } from '../../../core/message.js';
import type { ReplyBox, ReplyBoxOptions } from '../../../ports/replies.js';
import { SlotPlace } from '../topology/slot-place.js';
import { slotOf } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';
import { BlockingReader } from '../connection/blocking-reader.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';
import { typedError } from '../errors/reply-errors.js';
import { streamsIn, type Reply } from '../resp/reply-parser.js';
import { keepBox } from './keep-box.script.js';

/** A client that has not refreshed its reply box for this time is gone, in milliseconds. */
const EXPIRY = 60_000;
/** Interval at which a client that waits for answers refreshes its reply box, in milliseconds. */
const REFRESH = 20_000;
/** Longest wait of one read, in milliseconds. */
const BLOCK = 5000;
const AT_ONCE = 1000;

/**
 * A caller that has got an answer may ask again at once. Its request is written before the next
 * read.
 */
const askersFirst = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));

export interface RedisReplyBoxOptions extends ReplyBoxOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
}

/**
 * The stream of one client's answers. One connection reads it for all requests of the client, by
 * blocking reads behind the last id: replacing the connection loses nothing. The stream expires by
 * itself when its client is gone.
 */
export class RedisReplyBox implements ReplyBox {
  readonly address = `client-${randomBytes(9).toString('base64url')}`;
  private readonly key: string;
  /** The slot of the reply box on a cluster. */
  private readonly place: SlotPlace | undefined;
  private reader: BlockingReader | undefined;
  private lastId = '0-0';
  private freshUntil = 0;
  private opening: Promise<void> | undefined;
  private reading = false;
  private made = false;
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
    await this.reader?.close();
    if (!this.made || !this.options.commands.current) return;
    // A failure is ignored: the stream expires by itself.
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
    this.reader ??= new BlockingReader({
      ...this.options,
      place: this.place,
      role: 'replies',
      action: 'awaiting answers',
      block: BLOCK,
      key: () => this.key,
    });
    await this.reader.connected(this.options.connector.connectTimeout, 'opening a reply box');
    if (this.reading || this.closing.signal.aborted) return;
    this.reading = true;
    void this.read(this.reader);
  }

  /** Creates the stream, also again where it has vanished, and puts off its expiry. */
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

  /** Reads while a request waits, and for one more block: the next request may come soon. */
  private async read(reader: BlockingReader): Promise<void> {
    while (!this.closing.signal.aborted) {
      const wanted = this.options.waiting();
      if (wanted && performance.now() > this.freshUntil) await this.ready()?.catch(() => undefined);
      const found = await this.readOnce(reader);
      if (found.length > 0) {
        this.options.onReplies(found);
        await askersFirst();
      } else if (wanted || this.options.waiting()) {
        // No answer came for long: check whether the stream has vanished.
        this.freshUntil = 0;
      } else break;
    }
    this.reading = false;
  }

  private async readOnce(reader: BlockingReader): Promise<Fields[]> {
    try {
      if (!(await this.hasConnection(reader))) return [];
      const limits = ['COUNT', AT_ONCE, 'BLOCK', BLOCK];
      const reply = await reader.request(['XREAD', ...limits, 'STREAMS', this.key, this.lastId]);
      reader.succeeded();
      return this.fieldsOf(reply);
    } catch (error) {
      await this.recover(reader, error);
      return [];
    }
  }

  /** False where there is no connection in time: the waiting requests are then told. */
  private async hasConnection(reader: BlockingReader): Promise<boolean> {
    if (reader.isConnected) return true;
    const { connector, onLost } = this.options;
    try {
      await reader.connected(connector.commandTimeout);
      return true;
    } catch (error) {
      if (!this.closing.signal.aborted) {
        onLost(new RedisConnectionError('unknown', 'awaiting answers', (error as Error).cause));
      }
      return false;
    }
  }

  private fieldsOf(reply: Reply): Fields[] {
    const [answers] = streamsIn(reply);
    if (!answers) return [];
    const [, entries] = answers;
    this.lastId = entries.at(-1)![0];
    return entries.map(([, fields]) => fields);
  }

  private async recover(reader: BlockingReader, error: unknown): Promise<void> {
    if (this.closing.signal.aborted) return;
    // The failure that broke the connection may have deleted the stream too.
    this.freshUntil = 0;
    if (reader.failed(error) === 'refused') {
      const cause = typedError(error, 'awaiting answers', this.key, 'xread');
      this.options.events.emit('worker-error', { worker: 'reply reader', error: cause });
    }
    await reader.pause();
  }
}
