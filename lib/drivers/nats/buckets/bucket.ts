import type { DriverParts } from '../connection/driver-parts.js';
import { API_ERRORS, isReply } from '../errors/nats-reply.error.js';
import type { BucketKind } from '../names/names.js';
import { InternalStream, type JsStreamSettings } from './internal-stream.js';
import type { StoredMessage } from './stored-message.js';

/** From this version on, the server deletes a message by itself when its time is over. */
const HAS_TTL = '2.11';
/** Longest time that is left to the server, in milliseconds: ten years. */
const LONGEST_TTL = 315_360_000_000;

export interface BucketOptions {
  readonly parts: Pick<DriverParts, 'connection' | 'events' | 'settings' | 'names'>;
  readonly kind: BucketKind;
  /** What the bucket keeps, for warnings: `state`. */
  readonly keeps: string;
  /** The server deletes values of this age, in milliseconds. @default never */
  readonly maxAge?: number;
}

export interface PutOptions {
  /** Only where the value of the key has this revision. 0: only where the key has no value. */
  readonly expected?: number;
  /**
   * The server deletes the value about then, in milliseconds from now on, in steps of a second. Servers
   * before 2.11 do not.
   */
  readonly ttl?: number | undefined;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

/**
 * A KV bucket, as other clients of NATS know it, with one value for each key. The sequence of a value is
 * its revision. Keys are tokens with dots between them.
 */
export class Bucket {
  readonly stream: InternalStream;
  /** What the subjects of all keys begin with. */
  readonly prefix: string;
  private readonly connection: DriverParts['connection'];

  constructor({ parts, kind, keeps, maxAge = 0 }: BucketOptions) {
    const name = parts.names.bucket(kind);
    this.prefix = `$KV.${name}.`;
    this.connection = parts.connection;
    const settings = (): JsStreamSettings => ({
      subjects: [`${this.prefix}>`],
      max_msgs_per_subject: 1,
      max_age: maxAge * 1_000_000,
      discard: 'new',
      allow_rollup_hdrs: true,
      allow_direct: true,
      ...(this.hasTtl && { allow_msg_ttl: true }),
    });
    this.stream = new InternalStream({ parts, name: `KV_${name}`, keeps, settings });
  }

  /** Whether the server deletes a value by itself. Known once there is a connection. */
  get hasTtl(): boolean {
    return this.connection.atLeast(HAS_TTL);
  }

  /** The value of the key, as the leader of the bucket knows it. */
  async get(action: string, key: string): Promise<StoredMessage | undefined> {
    const found = await this.last(action, key);
    return isMarker(found) ? undefined : found;
  }

  /**
   * Stores a value, in one request that is never repeated. Returns its revision, or `changed` where the
   * key has another revision than `expected`.
   */
  async put(
    action: string,
    key: string,
    body: Uint8Array | string,
    how: PutOptions = {},
  ): Promise<number | 'changed'> {
    const answer = await this.publish(action, key, body, how);
    if (answer !== 'changed' || how.expected !== 0) return answer;
    // Other clients of NATS leave a marker where they delete a value. Nothing was stored so far.
    const last = await this.last(action, key);
    if (!isMarker(last)) return 'changed';
    return this.publish(action, key, body, { ...how, expected: last.sequence });
  }

  /** Deletes exactly this revision, and leaves no marker. Returns false where it is gone or replaced. */
  remove(action: string, revision: number): Promise<boolean> {
    return this.stream.remove(action, revision);
  }

  private last(action: string, key: string): Promise<StoredMessage | undefined> {
    return this.stream.find(action, { last_by_subj: this.prefix + key });
  }

  private async publish(
    action: string,
    key: string,
    body: Uint8Array | string,
    { expected, ttl, headers = [] }: PutOptions,
  ): Promise<number | 'changed'> {
    // The server is known now, and so is whether it knows the header.
    await this.connection.client(action);
    const all = [...headers];
    if (expected !== undefined) all.push('Nats-Expected-Last-Subject-Sequence', String(expected));
    if (ttl !== undefined && ttl < LONGEST_TTL && this.hasTtl) {
      all.push('Nats-TTL', `${Math.ceil(ttl / 1000) + 1}s`);
    }
    try {
      return (await this.stream.publish(action, this.prefix + key, body, all)).seq;
    } catch (error) {
      if (isChanged(error)) return 'changed';
      throw error;
    }
  }
}

/** What other clients of NATS leave in place of a deleted value. */
const isMarker = (found: StoredMessage | undefined): found is StoredMessage =>
  found?.headers.has('KV-Operation') === true;

/** The value has another revision. */
const isChanged = (error: unknown): boolean =>
  isReply(error, API_ERRORS.wrongLastSequence) || isReply(error, WITHOUT_SEQUENCE);

/** The same, where a server does not say which revision there is. */
const WITHOUT_SEQUENCE = 10164;
