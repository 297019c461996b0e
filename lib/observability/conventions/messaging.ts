/**
 * The names of OpenTelemetry's semantic conventions for messaging, version 1.44. The conventions are
 * "Development": names may still change. So all of them stand here, and nowhere else.
 * https://opentelemetry.io/docs/specs/semconv/messaging/
 */

/** Names of attributes of spans and metrics. */
export const ATTRIBUTE = {
  /** The technology: `redis`, `kafka`, `nats`, … */
  system: 'messaging.system',
  /** What this library calls the operation, such as `ack`. */
  operationName: 'messaging.operation.name',
  /** One of {@link OPERATION}. */
  operationType: 'messaging.operation.type',
  /** The stream. */
  destination: 'messaging.destination.name',
  /** The partition, as a text. */
  partition: 'messaging.destination.partition.id',
  /** The consumer group. */
  group: 'messaging.consumer.group.name',
  messageId: 'messaging.message.id',
  /** Number of messages of a batch. Only on spans of calls that take several messages. */
  batchSize: 'messaging.batch.message_count',
  /** Class of an error. Only where an operation has failed. */
  errorType: 'error.type',
} as const;

/** Attributes of this library's own, for what the conventions do not name. */
export const OWN_ATTRIBUTE = {
  eventType: 'nestjs_redis_streams.event_type',
  handler: 'nestjs_redis_streams.handler',
  /** 1 in the first run. */
  attempt: 'nestjs_redis_streams.attempt',
  /** What became of a message: the outcomes of docs/events.md. */
  outcome: 'nestjs_redis_streams.outcome',
  /** Why a message was given up. */
  reason: 'nestjs_redis_streams.reason',
} as const;

/** Types of operations. */
export const OPERATION = {
  create: 'create',
  send: 'send',
  receive: 'receive',
  process: 'process',
  settle: 'settle',
} as const;

/** Names of metrics. Durations are in seconds. */
export const METRIC = {
  /** Histogram: how long a call of a client took. */
  operationDuration: 'messaging.client.operation.duration',
  /** Counter: messages that were sent. */
  sent: 'messaging.client.sent.messages',
  /** Counter: messages that were handed to a handler, once per delivery. */
  consumed: 'messaging.client.consumed.messages',
  /** Histogram: how long handlers took. */
  processDuration: 'messaging.process.duration',
} as const;

/** Bounds of the buckets of all histograms, in seconds. */
export const DURATION_BOUNDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];

/** Names of technologies, where the conventions have others than this library. */
export const SYSTEM: Readonly<Partial<Record<string, string>>> = {
  'core NATS': 'nats',
  postgres: 'postgresql',
};
