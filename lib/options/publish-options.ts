import { BACKPRESSURE_OPTIONS, type BackpressureOptions } from './backpressure-options.js';
import { DUE_TIME, type DueTime } from './due-time.js';
import type { Metadata } from '../core/message.js';
import { checked, text, whole } from '../core/option-schema/kinds.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { eventType } from './step-target.js';

/** Every key is kept for the whole window. */
const LONGEST_KEY = 1024;

/** Texts to travel beside a payload. The codec looks at each of them. */
export const metadata = checked<Metadata>(
  'an object of texts',
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Promise),
);

/** A key that gives a partition: any text. */
export const partitionKey = checked<string>('a text', (value) => typeof value === 'string');

const MESSAGE_OPTIONS = declareOptions('a message', {
  /** Another stream than routing gives. @default by routing */
  stream: text('the name of a stream'),
  /** Texts to travel beside the payload, for example trace headers. @default none */
  metadata,
  /**
   * Your own name for the message, 1 to 1024 characters. Publishing again with the same key within
   * the option `idempotencyWindow` makes no second message in that stream, and returns the id of the
   * first. So a publish whose outcome is unknown can safely be repeated:
   * docs/guarantees.md#publishing-once. @default none
   */
  idempotencyKey: checked<string>(
    `a text of 1 to ${LONGEST_KEY} characters`,
    (value) => typeof value === 'string' && value !== '' && value.length <= LONGEST_KEY,
  ),
  /**
   * Fails with NotReplicatedError unless this many replicas, at least 1, have confirmed the message in
   * 4/5 of `commandTimeout`: docs/deployment.md#waiting-for-replicas.
   *
   * Each such message waits for them; others do not. Not together with an `idempotencyKey` where the
   * option `idempotencyWindow` is `'native'`: InvalidMessageError.
   * @default not waited for
   */
  waitReplicas: whole(1),
  /**
   * Messages of one stream with the same key go to one partition, in the order in which they were
   * published. Any text. Without effect where the message source has no partitions. @default none
   */
  key: partitionKey,
  /**
   * Number of the partition, from 0 on, in place of the one that `key` gives. UnsupportedFeatureError
   * where the message source has no partitions. @default by `key`, or any
   */
  partition: whole(0),
});

/** What may be said of a message beside its payload. */
export interface PublishOptions
  extends BackpressureOptions, DueTime, Given<typeof MESSAGE_OPTIONS> {}

export const PUBLISH_OPTIONS = declareOptions(
  'a message',
  { ...MESSAGE_OPTIONS.options, ...BACKPRESSURE_OPTIONS.options, ...DUE_TIME.options },
  ...DUE_TIME.rules,
);

/** What is published: the event type, the payload, and the options. */
export interface Publication<T = unknown> extends PublishOptions {
  readonly eventType: string;
  readonly payload: T;
}

export const PUBLICATION = declareOptions(
  'a message',
  {
    eventType: eventType.required(),
    payload: checked<unknown>('a payload', () => true),
    ...PUBLISH_OPTIONS.options,
  },
  ...PUBLISH_OPTIONS.rules,
);
