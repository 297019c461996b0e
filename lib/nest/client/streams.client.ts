import {
  ClientProxy,
  type Deserializer,
  type ReadPacket,
  type Serializer,
  type WritePacket,
} from '@nestjs/microservices';
import { Observable, ReplaySubject } from 'rxjs';
import type { Publication } from '../../options/publish-options.js';
import type { StreamsOptions } from '../../options/streams-options.js';
import type { Requester } from '../../requests/requester.js';
import { StreamsRuntime } from '../../runtime/streams-runtime.js';
import { splitSerialization } from '../serialization.js';
import { ConnectionStatus, type StreamsStatus } from '../transport/connection-status.js';
import { logEvents } from '../transport/event-log.js';
import type { StreamsListeners } from '../../core/events.js';
import { AnswerReader } from './answer-reader.js';
import { publicationOf, questionOf, type Address } from './packets.js';
import { StreamRecord } from './stream-record.js';

/** Options of Nest's clients, beside those of the connection. */
export interface StreamsClientExtras {
  /** Changes packets `{ pattern, data }` before they are published. @default no change */
  readonly serializer?: Serializer<ReadPacket, ReadPacket> | undefined;
  /** Changes packets `{ id, response, err, isDisposed }` of answers. @default no change */
  readonly deserializer?: Deserializer | undefined;
}

/** Options of {@link StreamsClient}. */
export type StreamsClientOptions = StreamsOptions & StreamsClientExtras;

/**
 * Publishes events and sends requests, as Nest's `ClientProxy`. A client of a module shares the
 * producer of its module. A client made by
 * `ClientsModule.register([{ customClass: StreamsClient, options }])` has connections of its own.
 *
 * ```ts
 * client.emit('order.process', order);
 * const total = await firstValueFrom(client.send<number>('order.total', { id }));
 * ```
 */
export class StreamsClient extends ClientProxy<StreamsListeners> {
  /** @internal Injection tokens use this name, because a bundler may rename the class. */
  static readonly token: string = 'StreamsClient';
  private readonly runtime: StreamsRuntime;
  private readonly ownsRuntime: boolean;
  private readonly endStatus: () => void;
  private readonly deserializes: boolean;
  private requester: Requester | undefined;
  private requests = 0;
  private closing: Promise<void> | undefined;

  /** @throws InvalidOptionsError naming every problem */
  constructor(options: StreamsClientOptions);
  /** @internal */
  constructor(options: StreamsClientOptions | StreamsRuntime);
  constructor(options: StreamsClientOptions | StreamsRuntime) {
    super();
    this.ownsRuntime = !(options instanceof StreamsRuntime);
    const [{ serializer, deserializer }, own] = this.ownsRuntime
      ? splitSerialization(options as StreamsClientOptions)
      : [{}, {}];
    this.runtime = options instanceof StreamsRuntime ? options : this.open(own as StreamsOptions);
    this.endStatus = ConnectionStatus.of(this.runtime).tell((word) => this._status$.next(word));
    logEvents(this.runtime);
    this.initializeSerializer({ serializer } as object);
    this.initializeDeserializer({ deserializer } as object);
    this.deserializes = deserializer !== undefined;
  }

  /** Emits `connected`, `reconnecting` and `disconnected`. */
  override get status(): Observable<StreamsStatus> {
    return super.status as Observable<StreamsStatus>;
  }

  /** Does nothing: publishing connects by itself, and waits for that in bounded time. */
  async connect(): Promise<void> {}

  /**
   * Fails the requests that wait for an answer. Closes the connections where they are the client's
   * own. Idempotent.
   */
  close(): Promise<void> {
    this.closing ??= this.disconnect();
    return this.closing;
  }

  /** Listens to an event of the library. */
  override on<
    N extends keyof StreamsListeners,
    L extends StreamsListeners[N] = StreamsListeners[N],
  >(event: N, listener: L): void {
    this.runtime.events.on(event, listener);
  }

  /** The client library's object: for Redis an ioredis client. */
  unwrap<T>(): T {
    const { driver } = this.runtime;
    return (driver.unwrap?.() ?? driver) as T;
  }

  /**
   * Publishes an event at once, with or without a subscriber. The Observable emits the id of the
   * message, or fails: ConnectionError, PayloadTooLargeError, InvalidMessageError, … A failure
   * without a subscriber is logged, and emitted as event `publish-failed`.
   *
   * @param pattern event type, or `{ stream, event }`
   * @param data payload, or a `StreamRecord`. Not null or undefined
   */
  override emit<TResult = string, TInput = unknown>(
    pattern: string | { readonly stream: string; readonly event: string } | object,
    data: TInput,
  ): Observable<TResult> {
    if (pattern == null || data == null) return super.emit<TResult, TInput>(pattern, data);
    const outcome = new ReplaySubject<TResult>(1);
    let observed = false;
    this.dispatch(pattern, data).then(
      (id) => {
        outcome.next(id as TResult);
        outcome.complete();
      },
      (error: Error) => {
        outcome.error(error);
        if (!observed) this.raise(pattern, data, error);
      },
    );
    return new Observable((subscriber) => {
      observed = true;
      return outcome.subscribe(subscriber);
    });
  }

  /**
   * Publishes a request at each subscription, and emits the answers of the service's
   * `@MessagePattern`. Unsubscribing stops waiting; the service is not told. Fails with
   * RequestTimeoutError, with the error that the service threw, with code `NOT_A_REQUEST_HANDLER`
   * where a `@StreamHandler` has taken the request, or as `emit` does.
   *
   * @param pattern of the `@MessagePattern`, or `{ stream, event }`
   * @param data payload, or a `StreamRecord`. Not null or undefined
   */
  override send<TResult = unknown, TInput = unknown>(
    pattern: string | { readonly stream: string; readonly event: string } | object,
    data: TInput,
  ): Observable<TResult> {
    if (pattern == null || data == null) return super.send<TResult, TInput>(pattern, data);
    return new Observable((observer) =>
      this.publish(this.packetOf(pattern, data), this.createObserver(observer)),
    );
  }

  /** @internal */
  protected open(options: StreamsOptions): StreamsRuntime {
    return new StreamsRuntime(options);
  }

  protected publish(packet: ReadPacket, callback: (packet: WritePacket) => void): () => void {
    try {
      this.requester ??= this.runtime.createRequester();
      const reader = new AnswerReader(
        String(++this.requests),
        callback,
        this.deserializer,
        this.deserializes,
      );
      return this.requester.ask(
        questionOf(packet, this.publicationOf(packet), this.runtime),
        reader,
      );
    } catch (error) {
      callback({ err: error, isDisposed: true });
      return () => undefined;
    }
  }

  protected async dispatchEvent<T = string>(packet: ReadPacket): Promise<T> {
    return (await this.runtime.producer.publish(this.publicationOf(packet))) as T;
  }

  private async dispatch(pattern: unknown, data: unknown): Promise<string> {
    return this.dispatchEvent(this.packetOf(pattern, data));
  }

  private packetOf(pattern: unknown, data: unknown): ReadPacket {
    // Nest 12.0 has neither the hook nor this method.
    return this.createPacket?.(pattern, data) ?? { pattern, data };
  }

  private publicationOf(packet: ReadPacket): Publication {
    return publicationOf(packet, this.addressOf(packet.pattern), this.serializer);
  }

  private addressOf(pattern: unknown): Address {
    if (typeof pattern === 'object' && pattern !== null) {
      const { stream, event } = pattern as { stream?: unknown; event?: unknown };
      if (typeof stream === 'string' && typeof event === 'string')
        return { eventType: event, stream };
    }
    return { eventType: this.normalizePattern(pattern as string) };
  }

  private raise(pattern: unknown, data: unknown, error: Error): void {
    const { eventType, stream } = this.addressOf(pattern);
    const explicit = data instanceof StreamRecord ? (data.stream ?? stream) : stream;
    this.runtime.events.emit('publish-failed', {
      stream: explicit ?? this.runtime.route(eventType),
      eventType,
      error,
    });
  }

  private async disconnect(): Promise<void> {
    await this.requester?.close();
    if (this.ownsRuntime) await this.runtime.close();
    this.endStatus();
  }
}
