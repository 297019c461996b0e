import { StateValueTooLargeError } from '../../../core/errors/state-store.errors.js';
import type { StateStore } from '../../../ports/state-store.js';
import { ServerTime } from '../../server-time/server-time.js';
import { Bucket } from '../buckets/bucket.js';
import type { StoredMessage } from '../buckets/stored-message.js';
import type { DriverParts } from '../connection/driver-parts.js';
import { token } from '../names/names.js';
import { ExpiredSweep } from './expired-sweep.js';
import { expiryOf, toStored, valueOf } from './stored-value.js';

const READING = 'reading state';
const WRITING = 'writing state';
const DELETING = 'deleting state';

/** Bytes of a message beside its value: names and numbers of headers. */
const HEADERS = 512;

/** The value of a key, and which one it is. */
interface Found {
  /** 0: the key has none. */
  readonly revision: number;
  /** Undefined: the key has none, or it has expired. */
  readonly live: StoredMessage | undefined;
}

/**
 * Keeps state in a KV bucket, one value per key. The server's clock says when a key has expired. Reads
 * ask the leader of the bucket. A write is sent once: after a lost connection it may have been carried
 * out, and the error says so.
 */
export class NatsStateStore implements StateStore {
  readonly sweep: ExpiredSweep;
  private readonly bucket: Bucket;
  private readonly time: ServerTime;

  constructor(private readonly parts: DriverParts) {
    this.bucket = new Bucket({ parts, kind: 'state', keeps: 'state' });
    this.time = new ServerTime(() => this.readTime());
    this.sweep = new ExpiredSweep({ parts, bucket: this.bucket, now: () => this.time.now() });
  }

  async get(key: string): Promise<string | undefined> {
    const { live } = await this.find(READING, key);
    return live && valueOf(live);
  }

  async set(key: string, value: string, ttl?: number): Promise<void> {
    await this.put(key, value, ttl);
  }

  async setIfAbsent(key: string, value: string, ttl?: number): Promise<boolean> {
    for (let expected = 0; ;) {
      if ((await this.put(key, value, ttl, expected)) !== 'changed') return true;
      const { live, revision } = await this.find(READING, key);
      if (live) return false;
      expected = revision;
    }
  }

  async compareAndSet(
    key: string,
    expected: string | undefined,
    value: string,
    ttl?: number,
  ): Promise<boolean> {
    if (expected === undefined) return this.setIfAbsent(key, value, ttl);
    for (;;) {
      const { live, revision } = await this.find(READING, key);
      if (!live || valueOf(live) !== expected) return false;
      if ((await this.put(key, value, ttl, revision)) !== 'changed') return true;
    }
  }

  async delete(key: string): Promise<boolean> {
    for (;;) {
      const { live, revision } = await this.find(DELETING, key);
      if (!live) return false;
      if (await this.bucket.remove(DELETING, revision)) return true;
    }
  }

  async exists(key: string): Promise<boolean> {
    return (await this.find(READING, key)).live !== undefined;
  }

  /** Ends the sweep. */
  close(): Promise<void> {
    return this.sweep.close();
  }

  private async find(action: string, key: string): Promise<Found> {
    this.sweep.start();
    const found = await this.bucket.get(action, token(key));
    if (!found) return { revision: 0, live: undefined };
    const expiry = expiryOf(found);
    const isOver = expiry < Infinity && expiry <= (await this.time.now());
    return { revision: found.sequence, live: isOver ? undefined : found };
  }

  private async put(
    key: string,
    value: string,
    ttl: number | undefined,
    expected?: number,
  ): Promise<number | 'changed'> {
    this.sweep.start();
    const { body, headers } = toStored(value, ttl);
    const { connection } = this.parts;
    await connection.client(WRITING);
    const limit = connection.maxPayload - HEADERS;
    const size = Buffer.byteLength(body);
    if (size > limit) throw new StateValueTooLargeError(key, size, limit);
    const how = { ttl, headers, ...(expected !== undefined && { expected }) };
    return this.bucket.put(WRITING, token(key), body, how);
  }

  /** The leader of the bucket stamps values, and tells its time. */
  private async readTime(): Promise<number> {
    const { stream } = this.bucket;
    const ask = () => stream.api<{ ts: string }>(READING, 'STREAM.INFO', {});
    return Date.parse((await stream.run(READING, ask)).ts);
  }
}
