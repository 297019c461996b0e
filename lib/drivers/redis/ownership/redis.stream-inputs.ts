import type { Redis } from 'ioredis';
import { ClosedError } from '../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../core/events.js';
import type { Fields } from '../../../core/message.js';
import type { PendingInput, StreamInput, StreamInputs } from '../../../ports/stream-ownership.js';
import { SlotPlace } from '../topology/slot-place.js';
import { slotOf } from '../topology/slots.js';
import type { Commands } from '../connection/commands.js';
import { Connection } from '../connection/connection.js';
import type { Connector } from '../connection/connector.js';
import type { Keys } from '../keys/keys.js';
import { isDemoted, isGroupMissing, isReply, typedError } from '../errors/reply-errors.js';
import { discardInput, MOST_LETTERS } from './discard-input.script.js';
import { STREAMS_AT_ONCE } from './extend-streams.script.js';
import { refreshInputs } from './refresh-inputs.script.js';
import { chunks } from './redis.stream-locks.js';
import { unblock } from './unblock.js';

/** A blocked read that is silent for so much longer than it was to block is dead, ms. */
const GRACE = 2000;
/** Lua passes some thousand values to a command at most. */
const MOST_IN_A_SCRIPT = 4000;
/** What the dead letters of other programs are told by. */
const REASON = '_dlq_reason';

export interface RedisInputsOptions {
  readonly connector: Connector;
  readonly commands: Commands;
  readonly keys: Keys;
  readonly events: EventBus;
  readonly service: string;
  readonly group: string;
  readonly consumer: string;
  readonly blockTimeout: number;
  readonly onReconnected: () => void;
}

type Entry = [id: string, fields: Fields | null];

/** The stream `<service>-input` and its group, which redis-stream-client-go may share. */
export class RedisStreamInputs implements StreamInputs {
  private readonly key: string;
  private readonly place: SlotPlace | undefined;
  private connection: Connection | undefined;
  private closed = false;
  private connected = false;
  /** Id of the blocking connection at the server, where it tells. */
  private reader: number | undefined;
  private pulling: Promise<unknown> | undefined;

  constructor(private readonly options: RedisInputsOptions) {
    const { topology } = options.commands;
    this.key = options.keys.inputs(options.service);
    if (topology) this.place = new SlotPlace(topology, slotOf(this.key));
  }

  /** @throws WrongKeyTypeError, RedisConnectionError */
  async open(): Promise<void> {
    const { connector, commands, events, blockTimeout } = this.options;
    await commands.ready('joining a service', connector.connectTimeout);
    await this.createGroup();
    const { place } = this;
    this.connection ??= new Connection({
      connector: place ? connector.at(() => place.locate()) : connector,
      role: 'reader',
      events,
      replyTimeout: blockTimeout + GRACE,
      // Asked now: later the connection may be blocked.
      onConnected: async (client) => {
        if (this.connected) this.options.onReconnected();
        this.connected = true;
        this.reader = await client.client('ID').catch(() => undefined);
      },
    });
    await this.connection.ready('joining a service', connector.connectTimeout);
  }

  async add(fields: Fields): Promise<string> {
    return this.run('adding a stream', async (client) => {
      return (await client.xadd(this.key, '*', ...fields))!;
    });
  }

  pull(limit: number): Promise<StreamInput[]> {
    const pulling = this.readOnce(limit);
    this.pulling = pulling.catch(() => undefined);
    return pulling;
  }

  async pending(after: string | undefined, limit: number): Promise<PendingInput[]> {
    const start = after === undefined ? '-' : `(${after}`;
    const { group } = this.options;
    const rows = (await this.run('looking for abandoned streams', (client) =>
      client.xpending(this.key, group, start, '+', limit),
    )) as [string, string, number, number][];
    return rows.map(([id, owner, idle]) => ({ id, owner, idle }));
  }

  async adopt(rows: readonly PendingInput[]): Promise<void> {
    const { group, consumer } = this.options;
    await Promise.all(
      chunks(rows, STREAMS_AT_ONCE).map((some) =>
        this.run('adopting inputs', (client) =>
          refreshInputs(client, this.key, group, consumer, some),
        ),
      ),
    );
  }

  async read(ids: readonly string[]): Promise<StreamInput[]> {
    const entries = await this.run('looking at inputs', (client) =>
      Promise.all(ids.map((id) => client.xrange(this.key, id, id))),
    );
    return ids.map((id, index) => ({ id, fields: entries[index]![0]?.[1] }));
  }

  problemOf(stream: string): string | undefined {
    return this.options.keys.inputProblem(this.options.service, stream);
  }

  async discard({ id, fields }: StreamInput, reason: string): Promise<boolean> {
    const { keys, commands, service, group } = this.options;
    const deadLetters = keys.inputLetters(service);
    const letter = fields ? [...fields, REASON, reason] : [];
    const discarding = { inputs: this.key, deadLetters, group, id, fields: letter };
    const fits = letter.length <= MOST_IN_A_SCRIPT && commands.together([this.key, deadLetters]);
    if (fits || !fields) {
      const both = fields ? discarding : { ...discarding, deadLetters: this.key };
      return this.run('discarding an input', (client) => discardInput(client, both));
    }
    // Twice rather than never.
    await commands.run(
      'discarding an input',
      (client) => client.xadd(deadLetters, 'MAXLEN', '~', MOST_LETTERS, '*', ...letter),
      deadLetters,
    );
    const forgotten = { ...discarding, deadLetters: this.key, fields: [] };
    return this.run('discarding an input', (client) => discardInput(client, forgotten));
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.wake();
    await this.connection?.close();
  }

  /** What its last reply brings is still handed out. */
  private async wake(): Promise<void> {
    if (!this.pulling) return;
    let ended = false;
    const ending = this.pulling.then(() => (ended = true));
    const { commands } = this.options;
    const { key, connection, reader: id } = this;
    await unblock({ commands, key, client: connection?.current, id, hasEnded: () => ended });
    await ending;
  }

  private async readOnce(limit: number): Promise<StreamInput[]> {
    const { connector, group, consumer, blockTimeout } = this.options;
    if (this.closed || !this.connection) return [];
    let client: Redis | undefined;
    try {
      client = await this.connection.ready('reading streams', connector.commandTimeout);
      if (this.closed) return [];
      if (this.place?.asking) await client.asking();
      const limits = ['COUNT', limit, 'BLOCK', blockTimeout];
      const args = ['GROUP', group, consumer, ...limits, 'STREAMS', this.key, '>'];
      return inputsOf(await client.call('XREADGROUP', ...args));
    } catch (error) {
      if (this.closed) return [];
      await this.mend(error, client);
      throw typedError(error, 'reading streams', this.key, 'xreadgroup');
    }
  }

  private run<T>(action: string, command: (client: Redis) => Promise<T>): Promise<T> {
    if (this.closed) return Promise.reject(new ClosedError('The load balancer'));
    return this.options.commands.run(action, command, this.key);
  }

  /** From the beginning: what is finished is deleted, so whatever is there has to be done. */
  private async createGroup(): Promise<void> {
    await this.run('creating the group of inputs', async (client) => {
      try {
        await client.xgroup('CREATE', this.key, this.options.group, '0', 'MKSTREAM');
      } catch (error) {
        if (!String(error).includes('BUSYGROUP')) throw error;
      }
    });
  }

  private async mend(error: unknown, client: Redis | undefined): Promise<void> {
    if (isGroupMissing(error)) return this.createGroup();
    if (client && (isDemoted(error) || this.place?.redirected(error) || !isReply(error))) {
      this.connection!.discard(client);
    }
  }
}

/** Of one stream: `[[key, entries]]` with RESP 2, a map with RESP 3. */
function inputsOf(reply: unknown): StreamInput[] {
  if (!Array.isArray(reply)) return [];
  const [, entries] = (Array.isArray(reply[0]) ? reply[0] : reply) as [string, Entry[]];
  return entries.map(([id, fields]) => ({ id, fields: fields ?? undefined }));
}
