import { chunksOf } from '../../../../core/collections/chunks.js';
import type { Redis } from 'ioredis';
import { ClosedError } from '../../../../core/errors/start-up.errors.js';
import type { EventBus } from '../../../../core/event-bus.js';
import type { Fields } from '../../../../core/message.js';
import type { PendingInput, StreamInput, StreamInputs } from '../../../../ports/stream-inputs.js';
import { SlotPlace } from '../../topology/slot-place.js';
import { slotOf } from '../../topology/slots.js';
import type { Commands } from '../../connection/commands.js';
import { BlockingReader } from '../../connection/blocking-reader.js';
import type { Connector } from '../../connection/connector.js';
import type { Keys } from '../../keys/keys.js';
import { inputProblem } from '../../keys/stream-name-problems.js';
import { isGroupMissing, typedError } from '../../errors/reply-errors.js';
import { streamsIn } from '../../resp/reply-parser.js';
import { asWritten } from '../../scripting/stored-fields.js';
import { discardInput, MOST_LETTERS } from './discard-input.script.js';
import { INPUTS_AT_ONCE, refreshInputs } from './refresh-inputs.script.js';

/** Lua passes a few thousand values to a command at most. */
const MOST_IN_A_SCRIPT = 4000;
/** The field that marks dead letters of other programs. */
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

/** The stream `<service>-input` and its group, which redis-stream-client-go may share. */
export class RedisStreamInputs implements StreamInputs {
  private readonly key: string;
  private readonly place: SlotPlace | undefined;
  private reader: BlockingReader | undefined;
  private closed = false;
  private connected = false;
  private pulling: Promise<unknown> | undefined;

  constructor(private readonly options: RedisInputsOptions) {
    const { topology } = options.commands;
    this.key = options.keys.inputs(options.service);
    if (topology) this.place = new SlotPlace(topology, slotOf(this.key));
  }

  /** @throws WrongKeyTypeError, RedisConnectionError */
  async open(): Promise<void> {
    const { connector, commands, blockTimeout } = this.options;
    await commands.ready('joining a service', connector.connectTimeout);
    await this.createGroup();
    this.reader ??= new BlockingReader({
      ...this.options,
      place: this.place,
      role: 'reader',
      action: 'reading streams',
      block: blockTimeout,
      key: () => this.key,
      onConnected: () => {
        if (this.connected) this.options.onReconnected();
        this.connected = true;
      },
    });
    await this.reader.connected(connector.connectTimeout, 'joining a service');
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
      chunksOf(rows, INPUTS_AT_ONCE).map((some) =>
        this.run('adopting inputs', (client) =>
          refreshInputs(client, { inputs: this.key, group, consumer, rows: some }),
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
    return inputProblem(this.options.keys, this.options.service, stream);
  }

  async discard({ id, fields }: StreamInput, reason: string): Promise<boolean> {
    const { keys, commands, service, group } = this.options;
    const deadLetters = keys.inputLetters(service);
    const letter = fields ? [...fields, REASON, reason].map(asWritten) : [];
    const discarding = { inputs: this.key, deadLetters, group, id, fields: letter };
    const fits = letter.length <= MOST_IN_A_SCRIPT && commands.together([this.key, deadLetters]);
    if (fits || !fields) {
      const both = fields ? discarding : { ...discarding, deadLetters: this.key };
      return this.run('discarding an input', (client) => discardInput(client, both));
    }
    // Writes the letter first, so that after a crash it exists twice rather than not at all.
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
    await this.reader?.stop();
    // Entries of the last reply are still handed out.
    await this.pulling;
    await this.reader?.close();
  }

  private async readOnce(limit: number): Promise<StreamInput[]> {
    const { reader } = this;
    const { connector, group, consumer, blockTimeout } = this.options;
    if (this.closed || !reader) return [];
    try {
      if (!reader.isConnected) await reader.connected(connector.commandTimeout);
      if (this.closed) return [];
      const limits = ['COUNT', limit, 'BLOCK', blockTimeout];
      const command = ['XREADGROUP', 'GROUP', group, consumer, ...limits];
      const reply = await reader.request([...command, 'STREAMS', this.key, '>']);
      return streamsIn(reply).flatMap(([, entries]) =>
        entries.map(([id, fields]) => ({ id, fields })),
      );
    } catch (error) {
      if (this.closed) return [];
      reader.failed(error);
      if (isGroupMissing(error)) await this.createGroup();
      throw typedError(error, 'reading streams', this.key, 'xreadgroup');
    }
  }

  private run<T>(action: string, command: (client: Redis) => Promise<T>): Promise<T> {
    if (this.closed) return Promise.reject(new ClosedError('The load balancer'));
    return this.options.commands.run(action, command, this.key);
  }

  /**
   * Reads from the beginning: finished inputs are deleted, so each input that is there has to be
   * worked on.
   */
  private async createGroup(): Promise<void> {
    await this.run('creating the group of inputs', async (client) => {
      try {
        await client.xgroup('CREATE', this.key, this.options.group, '0', 'MKSTREAM');
      } catch (error) {
        if (!String(error).includes('BUSYGROUP')) throw error;
      }
    });
  }
}
