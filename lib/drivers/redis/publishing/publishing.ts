import type { Redis } from 'ioredis';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/event-bus.js';
import type { OutgoingEntry } from '../../../core/message.js';
import { Connection } from '../connection/connection.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';
import { isIdempotent, PublishingOnce, type Result } from './publishing-once.js';
import { isDemoted, ReplyError, typedError } from '../errors/reply-errors.js';
import type { Reply } from '../resp/reply-parser.js';
import { encodeText, Wire, type Waiter } from '../resp/wire.js';
import type { ServerFeatures } from '../connection/server-features.js';

/**
 * Commands are written whenever this many characters have gathered, so that a large batch is never
 * one text.
 */
const WRITE_SIZE = 65_536;

/** Entries that were published together, and the outcome of each. */
class Publication implements Waiter {
  private readonly results: Result[] = [];

  constructor(
    readonly entries: readonly OutgoingEntry[],
    private readonly keys: Keys,
    private readonly resolve: (results: Result[]) => void,
    private readonly onDemoted: () => void,
  ) {}

  answer(reply: Reply): boolean {
    if (isDemoted(reply)) this.onDemoted();
    this.results.push(reply instanceof ReplyError ? this.refusal(reply) : String(reply));
    return this.concluded();
  }

  fail(error: Error): void {
    while (!this.concluded()) this.results.push(this.refusal(error));
  }

  private concluded(): boolean {
    if (this.results.length < this.entries.length) return false;
    this.resolve(this.results);
    return true;
  }

  private refusal(error: Error): Error {
    const { stream } = this.entries[this.results.length]!;
    return typedError(error, `publishing to "${stream}"`, this.keys.stream(stream), 'xadd');
  }
}

export interface PublishingOptions {
  readonly connector: Connector;
  readonly events: EventBus;
  readonly keys: Keys;
  /**
   * For how long entries wait for a connection, in milliseconds. By default as long as for a reply.
   */
  readonly patience?: number;
  /** Where it is absent, entries with an idempotency key always go by script. */
  readonly features?: ServerFeatures;
}

/**
 * Appends entries with one command each, on a connection of its own. The first of a turn of the
 * event loop is written at once. Those that follow in the same turn are written together, in order:
 * a write per command costs more than the command.
 */
export class Publishing {
  private waiting: Publication[] = [];
  /** This turn has written something: entries that follow gather. */
  private gathering = false;
  private closed = false;
  private connection: Connection | undefined;
  private wire: Wire | undefined;
  private readonly once: PublishingOnce;

  constructor(private readonly options: PublishingOptions) {
    this.once = new PublishingOnce(options.keys, options.features);
  }

  publish(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    if (entries.length === 0) return Promise.resolve([]);
    return entries.some(isIdempotent) ? this.appendOnce(entries) : this.append(entries);
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.connection?.close();
  }

  /** Called where the node has no streams any more. */
  async retire(): Promise<void> {
    await this.connection?.retire();
    this.closed = true;
  }

  private async appendOnce(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    const results = await this.append(entries);
    return this.once.mend(this.wire?.client, entries, results, (again) => this.append(again));
  }

  private append(entries: readonly OutgoingEntry[]): Promise<Result[]> {
    return new Promise((resolve) => {
      const publication = new Publication(entries, this.options.keys, resolve, () =>
        this.demoted(),
      );
      if (this.gathering) {
        this.waiting.push(publication);
        return;
      }
      this.gathering = true;
      process.nextTick(() => this.flush());
      this.write([publication]);
    });
  }

  private flush(): void {
    this.gathering = false;
    if (this.waiting.length === 0) return;
    const waiting = this.waiting;
    this.waiting = [];
    this.write(waiting);
  }

  private write(publications: readonly Publication[]): void {
    try {
      if (this.closed) throw new ClosedError('The connection to Redis');
      this.connection ??= this.connect();
      const client = this.connection.current;
      if (client) this.send(this.wireOf(client), publications);
      else void this.writeLater(this.connection, publications);
    } catch (error) {
      for (const publication of publications) publication.fail(error as Error);
    }
  }

  private wireOf(client: Redis): Wire {
    if (this.wire?.client !== client) {
      this.wire = new Wire(client, this.options.connector.commandTimeout);
    }
    return this.wire;
  }

  private async writeLater(
    connection: Connection,
    publications: readonly Publication[],
  ): Promise<void> {
    try {
      const { connector, patience = connector.commandTimeout } = this.options;
      await connection.ready('publishing', patience);
      this.write(publications);
    } catch (error) {
      for (const publication of publications) publication.fail(error as Error);
    }
  }

  private send(wire: Wire, publications: readonly Publication[]): void {
    // Makes all commands before sending the first: if one of them cannot be made, none is sent.
    const texts: string[] = [];
    let text = '';
    for (const { entries } of publications) {
      for (const entry of entries) {
        text += isIdempotent(entry) ? this.once.command(wire.client, entry) : this.xadd(entry);
        if (text.length < WRITE_SIZE) continue;
        texts.push(text);
        text = '';
      }
    }
    if (text !== '') texts.push(text);
    for (const [index, part] of texts.entries()) wire.send(part, index === 0 ? publications : []);
  }

  private xadd({ stream, fields }: OutgoingEntry): string {
    let text = `*${fields.length + 3}\r\n$4\r\nXADD\r\n${encodeText(this.options.keys.stream(stream))}$1\r\n*\r\n`;
    for (const field of fields) text += encodeText(field);
    return text;
  }

  /** Connects at the first publish: many processes only consume. */
  private connect(): Connection {
    const { connector, events, features } = this.options;
    return new Connection({
      connector,
      events,
      role: 'publisher',
      replyTimeout: connector.commandTimeout,
      onConnected: async (client) => features?.probe(client),
    });
  }

  private demoted(): void {
    if (this.wire) this.connection?.discard(this.wire.client);
  }
}
