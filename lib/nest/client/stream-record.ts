import type { BackpressureOptions, MaxLag } from '../../options/backpressure-options.js';
import type { DueTime } from '../../options/due-time.js';
import type { Metadata } from '../../core/message.js';

/** A payload with the options of its publication. Made by {@link StreamRecordBuilder}. */
export class StreamRecord<T = unknown> {
  constructor(
    /** Payload of the message. */
    readonly payload: T,
    /** Texts that travel beside the payload. */
    readonly metadata?: Metadata,
    /** Another stream than routing gives. */
    readonly stream?: string,
    /** Key by which a repeated publication is recognised. */
    readonly idempotencyKey?: string,
    /** Number of replicas that must confirm the message. */
    readonly waitReplicas?: number,
    /** For a request: longest wait for an answer, in milliseconds. */
    readonly timeout?: number,
    /** For an event: how far consumers may be behind. */
    readonly backpressure?: BackpressureOptions,
    /** For an event: when it is delivered. */
    readonly due?: DueTime,
    /** Messages of one stream with the same key go to one partition. */
    readonly key?: string,
    /** Number of the partition, in place of the one that `key` gives. */
    readonly partition?: number,
  ) {}
}

/**
 * Builds a record that `emit` and `send` take instead of a bare payload, as Nest's own record
 * builders do.
 *
 * ```ts
 * client.emit('order.process', new StreamRecordBuilder(order).setMetadata({ tenant: 'a' }).build());
 * ```
 */
export class StreamRecordBuilder<T = unknown> {
  private metadata: Metadata | undefined;
  private stream: string | undefined;
  private idempotencyKey: string | undefined;
  private waitReplicas: number | undefined;
  private timeout: number | undefined;
  private backpressure: BackpressureOptions | undefined;
  private due: DueTime | undefined;
  private key: string | undefined;
  private partition: number | undefined;

  constructor(private payload?: T) {}

  /** Sets the payload. */
  setPayload(payload: T): this {
    this.payload = payload;
    return this;
  }

  /** The same as `setPayload`, under the name of Nest's builders. */
  setData(data: T): this {
    return this.setPayload(data);
  }

  /** Sets texts that travel beside the payload. They win over those of a dispatch hook. */
  setMetadata(metadata: Metadata): this {
    this.metadata = metadata;
    return this;
  }

  /** Sets another stream than routing gives. */
  setStream(stream: string): this {
    this.stream = stream;
    return this;
  }

  /** Sets the key by which a repeated publication is recognised, see `PublishOptions`. */
  setIdempotencyKey(key: string): this {
    this.idempotencyKey = key;
    return this;
  }

  /** Fails unless this many replicas have confirmed the message, see `PublishOptions`. */
  setWaitReplicas(count: number): this {
    this.waitReplicas = count;
    return this;
  }

  /** Sets the key that gives the partition, see `PublishOptions`. */
  setKey(key: string): this {
    this.key = key;
    return this;
  }

  /** Sets the number of the partition, see `PublishOptions`. */
  setPartition(partition: number): this {
    this.partition = partition;
    return this;
  }

  /**
   * For a request: longest wait for the answer, and for each further one, in milliseconds. Events
   * have none.
   * @default the option `requestTimeout`
   */
  setTimeout(ms: number): this {
    this.timeout = ms;
    return this;
  }

  /**
   * For an event: publishes only while no group has more than this left to read, see
   * `PublishOptions`. Requests have a time limit of their own, and take none.
   */
  setMaxLag(maxLag: number | MaxLag, options: Omit<BackpressureOptions, 'maxLag'> = {}): this {
    this.backpressure = { ...options, maxLag };
    return this;
  }

  /** For an event: delivered in this many milliseconds from now, see `PublishOptions`. */
  setDelay(ms: number): this {
    this.due = { delay: ms };
    return this;
  }

  /**
   * For an event: delivered at this time, a Date or milliseconds since the epoch, see
   * `PublishOptions`.
   */
  setDeliverAt(time: Date | number): this {
    this.due = { deliverAt: time };
    return this;
  }

  /** Makes the record. */
  build(): StreamRecord<T> {
    const { payload, metadata, stream, idempotencyKey, waitReplicas, timeout } = this;
    return new StreamRecord(
      payload as T,
      metadata,
      stream,
      idempotencyKey,
      waitReplicas,
      timeout,
      this.backpressure,
      this.due,
      this.key,
      this.partition,
    );
  }
}
