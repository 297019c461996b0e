import { either, list, nested, number, text, whole } from '../core/option-schema/kinds.js';
import type { Option } from '../core/option-schema/option.js';
import { declareOptions, type Completed, type Given } from '../core/option-schema/shape.js';

const names = () =>
  either("names, such as 'orders.*'", text(), list(text(), "names, such as 'orders.*'", 1));

export const LAG_THRESHOLD = declareOptions(
  'a threshold of lag',
  {
    /**
     * Names of streams; `*` matches any run of characters. A name without `*` is watched even if
     * the stream is not consumed here. @default '*', all streams consumed here
     */
    streams: names(),
    /** Names of groups; `*` matches any run of characters. @default '*' */
    groups: names(),
    /** A lag of more entries is a WARNING. @default none */
    warning: whole(0),
    /** A lag of more entries is CRITICAL. @default none */
    critical: whole(0),
    /**
     * A message that is not settled for longer than this after its publication, in milliseconds, is
     * CRITICAL. Works also while the server does not know the lag. @default none
     */
    maxAge: whole(1).duration(),
  },
  ({ warning, critical, maxAge }) =>
    warning === undefined && critical === undefined && maxAge === undefined
      ? ['warning, critical or maxAge must say how much is too much']
      : [],
);

/** Limits for groups of streams. Each threshold that matches counts by itself. */
export interface LagThreshold extends Given<typeof LAG_THRESHOLD> {}

const threshold: Option<LagThreshold> = nested(LAG_THRESHOLD);

export const LAG_OPTIONS = declareOptions('lag', {
  /** How often lag is read while a listener or a threshold needs it, in milliseconds. @default 5000 */
  interval: whole(1).duration().default(5000),
  /** A threshold has recovered when the lag is at this share of it or below. @default 0.8 */
  recovery: number(0, 1).default(0.8),
  /** What raises an alarm. @default none */
  thresholds: list(threshold, 'a list of { streams, groups, warning, critical, maxAge }').default(
    [],
  ),
});

/** The option `lag`. */
export interface LagOptions extends Given<typeof LAG_OPTIONS> {}

/** {@link LagOptions} with all defaults filled in. */
export interface ResolvedLag extends Completed<typeof LAG_OPTIONS> {}

export const lag: Option<LagOptions, 'optional', ResolvedLag> = nested(LAG_OPTIONS);
