import { flag, nested, text, whole } from '../core/option-schema/kinds.js';
import type { Option } from '../core/option-schema/option.js';
import { declareOptions, type Completed, type Given } from '../core/option-schema/shape.js';

/** A day, in milliseconds. */
const LONGEST_INTERVAL = 86_400_000;

export const COMMITS_OPTIONS = declareOptions('commits', {
  /**
   * Whether each settlement is recorded. False: only what `context.commit()` asks for is recorded.
   * @default true
   */
  auto: flag().default(true).alias('auto_commit'),
  /**
   * Longest time from a settlement to its record, in milliseconds. Also the wait before a record that
   * could not be written is tried again. A day at most. @default 5000
   */
  interval: whole(1, LONGEST_INTERVAL).duration().default(5000).alias('commit_interval'),
  /**
   * Last part of the record's key: `consumer:{group}:{stream}:{name}`. Two applications that read the
   * same stream in the same group share a record where they share the name.
   * @default the option `name` of the transport
   */
  name: text(),
});

/** How consumers record how far they have come. */
export interface CommitsOptions extends Given<typeof COMMITS_OPTIONS> {}

/** {@link CommitsOptions} with all defaults filled in. */
export interface CommitsSettings extends Completed<typeof COMMITS_OPTIONS> {}

/** The option `commits`. */
export const commits: Option<CommitsOptions, 'optional', CommitsSettings> = nested(COMMITS_OPTIONS);
