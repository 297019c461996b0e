import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { text } from '../core/option-schema/kinds.js';
import { BACKPRESSURE_OPTIONS } from './backpressure-options.js';
import { PUBLISH_OPTIONS, type PublishOptions } from './publish-options.js';

const KEY = declareOptions('a message of the outbox', {
  /**
   * Messages with the same key are published in the order in which they were written, also those of
   * different streams. Where the message source has partitions, those of one stream go to one of them.
   * @default the name of the stream, and any partition
   */
  key: text(),
});

type Backpressure = keyof typeof BACKPRESSURE_OPTIONS.options;

/** What may be said of a message of the outbox beside its payload. */
export interface OutboxPublishOptions
  extends Omit<PublishOptions, Backpressure | 'key' | 'partition'>, Given<typeof KEY> {}

const written = Object.entries(PUBLISH_OPTIONS.options).filter(
  ([name]) => !(name in BACKPRESSURE_OPTIONS.options) && name !== 'partition',
);

export const OUTBOX_PUBLISH_OPTIONS = declareOptions(
  'a message of the outbox',
  { ...Object.fromEntries(written), ...KEY.options },
  ...PUBLISH_OPTIONS.rules,
);
