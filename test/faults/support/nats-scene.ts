import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { nats } from '../../../lib/drivers/nats/nats.driver.js';
import { Names } from '../../../lib/drivers/nats/names/names.js';
import { decodeMessage } from '../../../lib/drivers/nats/wire/decode-message.js';
import { startNats, type NatsServer, type StartNatsOptions } from '../../support/nats-server.js';
import { pace } from '../../support/passing-time.js';
import { inAllSlots } from '../../support/in-all-slots.js';
import type { WorkerProcess } from './worker-process.js';
import { STREAM, WorkerScene, type StoredEntry } from './worker-scene.js';

/** Between two tries of a request of the scene while the server is away, ms. */
const RETRY = 50;
/** So many tries. */
const TRIES = 400;
const WITHIN = 1000;

interface Position {
  readonly stream_seq: number;
}

interface ConsumerInfo {
  readonly num_pending: number;
  readonly num_ack_pending: number;
  readonly delivered: Position;
  readonly ack_floor: Position;
}

interface Stored {
  readonly seq: number;
  readonly data?: string;
  readonly hdrs?: string;
}

/** A scene on NATS. */
export class NatsScene extends WorkerScene {
  protected readonly place: { readonly nats: { readonly url: string } };
  private readonly names = new Names('');
  /** Ids that were acknowledged, by stream. The scene listens to what workers send, since the server tells no ids. */
  private readonly acknowledged = new Set<string>();

  private constructor(
    override readonly server: NatsServer,
    directory: string,
    /** The connection of the scene itself. */
    readonly client: NatsConnection,
  ) {
    super(server, directory, inAllSlots(nats({ url: server.url() })));
    this.place = { nats: { url: server.url() } };
    client.subscribe(`$JS.ACK.${this.names.stream(STREAM)}.>`, {
      callback: (_, { subject, data }) => {
        if (data.length === 0) this.acknowledged.add(subject.split('.')[5]!);
      },
    });
  }

  static async open(options: StartNatsOptions = {}): Promise<NatsScene> {
    const server = await startNats(options);
    const directory = await mkdtemp(join(tmpdir(), 'streams-faults-'));
    const client = await connect({
      ...{ servers: server.url(), maxReconnectAttempts: -1, reconnectTimeWait: RETRY },
    });
    return new NatsScene(server, directory, client);
  }

  protected async disconnect(): Promise<void> {
    await this.client.close();
  }

  left(): Promise<number> {
    return this.unsettled([STREAM]);
  }

  /** What it has begun last of all workers, and no worker has acknowledged. */
  async pending(worker?: WorkerProcess): Promise<string[]> {
    const last = new Map<string, string>();
    const started = this.notes('started').sort((one, other) => one.at - other.at);
    for (const note of started) last.set(note.id, note.worker);
    return [...last.keys()].filter(
      (id) => !this.acknowledged.has(id) && (!worker || last.get(id) === worker.name),
    );
  }

  /** Also what was delivered to some worker, and has begun nowhere. */
  override async mayHold(worker: WorkerProcess): Promise<string[]> {
    const started = new Set(this.notes('started').map(({ id }) => id));
    const [group] = await this.consumersOf(STREAM);
    const { ack_floor, delivered } = group!;
    const count = delivered.stream_seq - ack_floor.stream_seq;
    const ids = Array.from({ length: count }, (_, at) => String(ack_floor.stream_seq + 1 + at));
    const waiting = ids.filter((id) => !started.has(id) && !this.acknowledged.has(id));
    return [...(await this.pending(worker)), ...waiting];
  }

  async entries(stream: string): Promise<StoredEntry[]> {
    const name = this.names.stream(stream);
    const subject = this.names.subject(stream);
    const entries: StoredEntry[] = [];
    for (let seq = 0; ; seq++) {
      const body = { seq, next_by_subj: subject };
      const { message } = await this.api<{ message?: Stored }>(`STREAM.MSG.GET.${name}`, body);
      if (!message) return entries;
      entries.push({ id: String(message.seq), fields: fieldsOf(message) });
      ({ seq } = message);
    }
  }

  async length(stream: string): Promise<number> {
    return this.count(stream, this.names.subject(stream));
  }

  async unsettled(streams: readonly string[]): Promise<number> {
    const each = await Promise.all(
      streams.map(async (stream) => {
        const consumers = await this.consumersOf(stream);
        const waiting = await this.count(stream, this.names.delayed(stream));
        return consumers.reduce((sum, one) => sum + one.num_pending + one.num_ack_pending, waiting);
      }),
    );
    return each.reduce((sum, one) => sum + one, 0);
  }

  async cut(): Promise<void> {
    await this.server.kill();
    await this.server.start();
  }

  private async consumersOf(stream: string): Promise<readonly ConsumerInfo[]> {
    const { consumers = [] } = await this.api<{ consumers?: ConsumerInfo[] }>(
      `CONSUMER.LIST.${this.names.stream(stream)}`,
    );
    return consumers;
  }

  private async count(stream: string, filter: string): Promise<number> {
    const { state } = await this.api<{ state?: { subjects?: Record<string, number> } }>(
      `STREAM.INFO.${this.names.stream(stream)}`,
      { subjects_filter: filter },
    );
    return Object.values(state?.subjects ?? {}).reduce((sum, one) => sum + one, 0);
  }

  /** Asks the server. Tried again while the server is away. */
  private async api<T extends object>(subject: string, body?: object): Promise<T> {
    for (let tries = 1; ; tries++) {
      try {
        const text = body ? JSON.stringify(body) : '';
        const answer = await this.client.request(`$JS.API.${subject}`, text, { timeout: WITHIN });
        return answer.json<T>();
      } catch (error) {
        if (tries === TRIES) throw error;
        await pace(RETRY);
      }
    }
  }
}

function fieldsOf({ data = '', hdrs = '' }: Stored): readonly string[] {
  const lines = Buffer.from(hdrs, 'base64').toString().split('\r\n').slice(1).filter(Boolean);
  const headers = lines.map((line): [string, string[]] => {
    const colon = line.indexOf(':');
    return [line.slice(0, colon), [line.slice(colon + 1).trim()]];
  });
  return decodeMessage({ data: Buffer.from(data, 'base64'), headers });
}
