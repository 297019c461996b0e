import { either, list, nested, oneOf, text, whole } from '../core/option-schema/kinds.js';
import type { Option } from '../core/option-schema/option.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';

const MAX_LAG = declareOptions('maxLag', {
  /** Number of entries not delivered yet. */
  lag: whole(0).required(),
  /** The groups that count, whether or not they have consumers that live. */
  groups: list(text(), 'a list of groups').required(),
});

/** How much a group may have to do when a message is published. */
export interface MaxLag extends Given<typeof MAX_LAG> {}

const maxLag: Option<number | MaxLag> = either(
  'a whole number of at least 0, or { lag, groups }',
  whole(0),
  nested(MAX_LAG),
);

export const BACKPRESSURE_OPTIONS = declareOptions('backpressure', {
  /**
   * Publishes only while the slowest group of the stream has at most this many entries left to read:
   * docs/lag.md#producers-that-wait. A number, or `{ lag, groups }`.
   *
   * A number looks at groups with live consumers: a group without live consumers holds up no
   * producer, nor does a group whose lag is not known. @default no limit
   */
  maxLag,
  /** While a group is further behind than `maxLag`: wait, or fail with BackpressureError. @default 'wait' */
  onBackpressure: oneOf('wait', 'error'),
  /** Longest wait for `maxLag`, in milliseconds; then BackpressureError. @default 30000 */
  timeout: whole(1),
});

/** What may be said of a publication, so that producers do not outrun consumers. */
export interface BackpressureOptions extends Given<typeof BACKPRESSURE_OPTIONS> {}
