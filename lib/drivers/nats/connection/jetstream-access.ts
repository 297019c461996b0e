import type { JetStreamClient, JetStreamManager, PubAck } from '@nats-io/jetstream';
import type { Kvm } from '@nats-io/kv';
import type { Msg, MsgHdrs, NatsConnection as Client } from '@nats-io/transport-node';
import { Backoff } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import { PermissionDeniedError } from '../../../core/errors/server.errors.js';
import { ServerTime } from '../../server-time/server-time.js';
import { JetStreamMissingError, NatsConnectionError } from '../errors/nats-connection.errors.js';
import { API_ERRORS, isReply, NatsReplyError, type ApiError } from '../errors/nats-reply.error.js';
import { isNoResponders } from '../errors/typed-error.js';
import type { NatsPackages } from './nats-packages.js';
import type { RequestHow, Requests } from './requests.js';

/** Prefix of the subjects of JetStream's API. */
const API = '$JS.API.';

const LOOKING = 'looking for JetStream';
/** Longest wait for one answer of a server that may have no JetStream yet, in milliseconds. */
const CHECK_TIMEOUT = 1000;
const NO_LEADER =
  'Nothing was sent; look whether most servers of the cluster run: JetStream does not answer, or has no leader.';

/** JetStream over one connection. It can be used again when the connection is back after an outage. */
export class JetStreamAccess {
  private readonly time = new ServerTime(() => this.readTime());

  private constructor(
    private readonly requests: Requests,
    readonly client: JetStreamClient,
    readonly manager: JetStreamManager,
    readonly kv: Kvm,
  ) {}

  /**
   * Makes the access, and asks the server whether it has JetStream. Waits for a cluster that has no
   * leader yet.
   * @param patience longest wait for that, in milliseconds
   * @throws JetStreamMissingError, and as `Requests.request`
   */
  static async open(
    requests: Requests,
    connection: Client,
    { jetstream, kv }: NatsPackages,
    patience: number,
  ): Promise<JetStreamAccess> {
    const client = jetstream.jetstream(connection);
    const manager = await client.jetstreamManager(false);
    const access = new JetStreamAccess(requests, client, manager, new kv.Kvm(client));
    await access.check(patience);
    return access;
  }

  /**
   * Sends a request to JetStream's API, such as `STREAM.INFO.orders`. Returns its answer.
   * @param action what the caller is doing, for errors: `creating a stream`
   * @throws NatsReplyError for an error that JetStream answers; `isReply` tells which
   */
  async request<T extends object>(
    action: string,
    subject: string,
    body?: object,
    how?: RequestHow,
  ): Promise<T> {
    const text = body && JSON.stringify(body);
    try {
      const answer = await this.requests.request(action, API + subject, text, how);
      return resultOf<T>(action, answer);
    } catch (error) {
      // JetStream's API has no subscriber where no server has JetStream.
      if (isNoResponders(error)) throw new JetStreamMissingError(error);
      throw error;
    }
  }

  /**
   * Publishes a message and awaits that a stream has it.
   * @throws NatsReplyError where the stream refuses it; where no stream has this subject, an error for
   * which `isNoResponders` is true
   */
  async publish(
    action: string,
    subject: string,
    body: Uint8Array | string,
    headers?: MsgHdrs,
  ): Promise<PubAck> {
    const answer = await this.requests.request(action, subject, body, headers && { headers });
    return resultOf<PubAck>(action, answer);
  }

  /**
   * The server's clock, which stamps messages, in milliseconds since the epoch. That of this process
   * where the server has no stream to ask for.
   */
  now(): number | Promise<number> {
    return this.time.now();
  }

  private async check(patience: number): Promise<void> {
    const deadline = systemClock.now() + patience;
    const backoff = new Backoff();
    for (let left = patience; ; left = deadline - systemClock.now()) {
      const timeout = Math.max(1, Math.min(left, CHECK_TIMEOUT));
      try {
        return void (await this.request(LOOKING, 'INFO', undefined, { timeout }));
      } catch (error) {
        // A producer needs no right but that to publish.
        if (error instanceof PermissionDeniedError) return;
        if (!isLeaderless(error)) throw error;
        if (systemClock.now() >= deadline)
          throw new NatsConnectionError('not-sent', LOOKING, error, NO_LEADER);
        await sleep(systemClock, backoff.next());
      }
    }
  }

  private async readTime(): Promise<number> {
    const action = 'asking for the time';
    try {
      const { streams } = await this.request<{ streams?: string[] }>(action, 'STREAM.NAMES');
      for (const name of streams ?? []) {
        const { ts } = await this.request<{ ts?: string }>(action, `STREAM.INFO.${name}`);
        if (ts !== undefined) return Date.parse(ts);
      }
    } catch (error) {
      if (!isReply(error, API_ERRORS.streamNotFound)) throw error;
    }
    return systemClock.wallTime();
  }
}

const DISABLED: readonly number[] = [API_ERRORS.notEnabled, API_ERRORS.notEnabledForAccount];

/** What JetStream answers. @throws NatsReplyError, JetStreamMissingError */
function resultOf<T extends object>(action: string, answer: Msg): T {
  const { error, ...result } = answer.json<{ error?: ApiError }>();
  if (!error) return result as T;
  const typed = new NatsReplyError(action, error);
  throw DISABLED.includes(typed.errCode) ? new JetStreamMissingError(typed) : typed;
}

/** A cluster without a leader answers so, or does not answer. */
const isLeaderless = (error: unknown): boolean =>
  isReply(error, API_ERRORS.temporarilyUnavailable) ||
  (error instanceof NatsConnectionError && error.outcome === 'unknown');
