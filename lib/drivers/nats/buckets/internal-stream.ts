import { backoffDelay } from '../../../core/backoff.js';
import { sleep, systemClock } from '../../../core/clock.js';
import type { DriverParts } from '../connection/driver-parts.js';
import type { RequestHow } from '../connection/requests.js';
import { NatsStreamSettingsError } from '../errors/stream-settings.error.js';
import { NatsConnectionError } from '../errors/nats-connection.errors.js';
import { API_ERRORS, isReply, NatsReplyError } from '../errors/nats-reply.error.js';
import { isNoResponders } from '../errors/typed-error.js';
import type { StreamInfo } from '../streams/js-stream.js';
import { otherSettings } from '../streams/stream-settings.js';
import { clientHeaders } from '../wire/client-headers.js';
import { storedMessage, type AnsweredMessage, type StoredMessage } from './stored-message.js';

/** Settings as JetStream calls them. Durations are in nanoseconds. */
export type JsStreamSettings = Readonly<Record<string, unknown>>;

export interface InternalStreamOptions {
  readonly parts: Pick<DriverParts, 'connection' | 'events' | 'settings'>;
  readonly name: string;
  /** What the stream keeps, for warnings: `state`. */
  readonly keeps: string;
  /** Settings beside storage and replicas. Called once there is a connection, and the server is known. */
  readonly settings: () => JsStreamSettings;
}

/** What the server says of a message that it has stored. */
export interface StoredAck {
  readonly seq: number;
  /** A message of the same id was there: that one has this sequence. */
  readonly duplicate?: boolean;
}

/** A stream that lost its leader has another one within seconds. */
const RETRIES = { type: 'exponential', delay: 50, maxDelay: 500, jitter: 0.5 } as const;
const MOST_RETRIES = 10;
/** A look whether the stream is there is over soon, also where the server does not answer. */
const LOOK = { timeout: 1000 };

/**
 * A stream of the driver's own. The first step makes it, or updates settings that differ. Where it was
 * deleted since, the next step makes it again, and the event `warning` says so.
 */
export class InternalStream {
  readonly name: string;
  private making: Promise<void> | undefined;
  private makingAgain: Promise<void> | undefined;

  constructor(private readonly options: InternalStreamOptions) {
    this.name = options.name;
  }

  /**
   * Stores a message.
   * @param headers names and values in turn
   * @throws NatsReplyError where the server refuses it; NatsConnectionError: `unknown` means that it may
   * be stored
   */
  publish(
    action: string,
    subject: string,
    body: Uint8Array | string,
    headers: readonly string[] = [],
  ): Promise<StoredAck> {
    return this.run(action, async () => {
      const { connection } = this.options.parts;
      const js = await connection.js(action);
      return js.publish(
        action,
        subject,
        body,
        clientHeaders(() => connection.headers(), headers),
      );
    });
  }

  /** The message with this sequence, or the last one of this subject, from the leader of the stream. */
  async find(
    action: string,
    which: { readonly seq: number } | { readonly last_by_subj: string },
  ): Promise<StoredMessage | undefined> {
    try {
      const { message } = await this.run(action, () =>
        this.api<{ message: AnsweredMessage }>(action, 'STREAM.MSG.GET', which),
      );
      return storedMessage(message);
    } catch (error) {
      if (isReply(error, API_ERRORS.noMessageFound)) return undefined;
      throw error;
    }
  }

  /** Deletes the message with this sequence. Returns false where it was deleted before. */
  async remove(action: string, sequence: number): Promise<boolean> {
    try {
      const request = { seq: sequence, no_erase: true };
      await this.run(action, () => this.api(action, 'STREAM.MSG.DELETE', request));
      return true;
    } catch (error) {
      // The server has one code for all reasons.
      if (!(error instanceof NatsReplyError)) throw error;
      if ((await this.find(action, { seq: sequence })) === undefined) return false;
      throw error;
    }
  }

  /** Undefined: the stream is missing. */
  async info(action: string, filter?: string): Promise<StreamInfo | undefined> {
    try {
      const query = filter === undefined ? {} : { subjects_filter: filter };
      return await this.api<StreamInfo>(action, 'STREAM.INFO', query);
    } catch (error) {
      if (isReply(error, API_ERRORS.streamNotFound)) return undefined;
      throw error;
    }
  }

  /**
   * Carries out a step, which fails where the stream is missing or has no leader. Nothing is stored
   * then, so the step is carried out once more when the stream is there.
   */
  async run<T>(action: string, step: () => Promise<T>): Promise<T> {
    await this.ready(action);
    for (let failed = 1; ; failed++) {
      try {
        return await step();
      } catch (error) {
        const obstacle = await this.obstacle(action, error);
        if (obstacle === undefined || failed > MOST_RETRIES) throw error;
        if (obstacle === 'missing') await this.makeAgain(action);
        else await sleep(systemClock, backoffDelay(RETRIES, failed));
      }
    }
  }

  /**
   * A request about this stream, such as `STREAM.PURGE`. Not repeated.
   * @param more what the subject has behind the name of the stream
   */
  async api<T extends object>(
    action: string,
    request: string,
    body: object,
    more = '',
    how?: RequestHow,
  ): Promise<T> {
    const js = await this.options.parts.connection.js(action);
    return js.request<T>(action, `${request}.${this.name}${more}`, body, how);
  }

  /** Undefined: the stream is there, and the step may be carried out or not. */
  private async obstacle(
    action: string,
    error: unknown,
  ): Promise<'missing' | 'no-leader' | undefined> {
    if (isReply(error, API_ERRORS.streamNotFound)) return 'missing';
    if (isReply(error, API_ERRORS.temporarilyUnavailable)) return 'no-leader';
    if (!(error instanceof NatsConnectionError) || !this.options.parts.connection.connected) {
      return undefined;
    }
    try {
      // Where a program listens to all subjects, a publish to a missing stream has no answer at all.
      await this.api(action, 'STREAM.INFO', {}, '', LOOK);
      return isNoResponders(error) ? 'no-leader' : undefined;
    } catch (problem) {
      if (problem instanceof NatsReplyError) return this.obstacle(action, problem);
      return undefined;
    }
  }

  private ready(action: string): Promise<void> {
    this.making ??= this.make(action).then(
      () => undefined,
      (error: unknown) => {
        this.making = undefined;
        throw error;
      },
    );
    return this.making;
  }

  private makeAgain(action: string): Promise<void> {
    this.makingAgain ??= this.make(action)
      .then((made) => {
        if (made) this.warn();
      })
      .finally(() => (this.makingAgain = undefined));
    return this.makingAgain;
  }

  /** Returns whether the stream was missing. */
  private async make(action: string): Promise<boolean> {
    const found = await this.info(action);
    if (found) {
      await this.update(action, found.config);
      return false;
    }
    try {
      // Sequences begin at the microseconds since the epoch: none comes twice where a stream is made again.
      const first_seq = systemClock.wallTime() * 1000;
      await this.api(action, 'STREAM.CREATE', {
        ...FIXED,
        ...this.wanted(),
        name: this.name,
        first_seq,
      });
      return true;
    } catch (error) {
      // Another process made it meanwhile, at another time.
      if (!isReply(error, API_ERRORS.streamNameInUse)) throw error;
      return false;
    }
  }

  private async update(action: string, found: JsStreamSettings): Promise<void> {
    const wanted = this.wanted();
    const others = otherSettings(found, wanted);
    if (others.length === 0) return;
    try {
      await this.api(action, 'STREAM.UPDATE', { ...found, ...wanted });
    } catch (error) {
      if (error instanceof NatsReplyError)
        throw new NatsStreamSettingsError(this.name, others, error);
      throw error;
    }
  }

  private wanted(): JsStreamSettings {
    const { storage, replicas } = this.options.parts.settings;
    return { storage, num_replicas: replicas, ...this.options.settings() };
  }

  private warn(): void {
    const { parts, keeps } = this.options;
    parts.events.emit('warning', {
      code: 'NATS_STREAM_MADE_AGAIN',
      message: `The JetStream stream "${this.name}", in which the driver keeps ${keeps}, had been deleted, and what it kept is gone. The driver has made it again. Look who deletes streams of this server.`,
    });
  }
}

const FIXED = { retention: 'limits', max_consumers: -1, max_msgs: -1, max_bytes: -1, max_age: 0 };
