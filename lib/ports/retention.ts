import { either, flag, list, nested, oneOf, text, whole } from '../core/declaring/kinds.js';
import type { Option } from '../core/declaring/option.js';
import { declareOptions, type Given } from '../core/declaring/shape.js';
import { eventMatcher } from '../core/routing.js';

const MAX_LENGTH = declareOptions('a policy with maxLength', {
  /** Most entries. */
  maxLength: whole(1).required(),
  /** Also entries that some group has not settled: a hard limit. @default false */
  allowLoss: flag(),
});

const MAX_AGE = declareOptions('a policy with maxAge', {
  /** By the time in the id, in milliseconds. */
  maxAge: whole(1).required(),
  /** Also entries that some group has not settled: a hard limit. @default false */
  allowLoss: flag(),
});

/**
 * How long a stream keeps its entries. Nothing is deleted that some group has not settled, unless
 * `allowLoss` says so.
 *
 * - `'keep'`: for ever.
 * - `'deleteWhenSettled'`: until every group has settled it, and, where the server cannot tell more, all
 *   entries before it.
 * - `maxLength`: while the stream is no longer than that.
 * - `maxAge`: for this time, in milliseconds.
 */
export type RetentionPolicy =
  'keep' | 'deleteWhenSettled' | Given<typeof MAX_LENGTH> | Given<typeof MAX_AGE>;

const policy = (): Option<RetentionPolicy> =>
  either(
    "'keep', 'deleteWhenSettled', { maxLength } or { maxAge }",
    oneOf('keep', 'deleteWhenSettled'),
    nested(MAX_LENGTH),
    nested(MAX_AGE),
  );

const NAMES = "names of streams, such as 'audit.*'";

export const RETENTION_RULE = declareOptions('a retention rule', {
  /** Names of streams; `*` matches any run of characters. */
  streams: either(NAMES, text(), list(text(), NAMES, 1)).required(),
  policy: policy().required(),
});

/** A policy for the streams that match. The first rule that matches wins. */
export interface RetentionRule extends Given<typeof RETENTION_RULE> {}

/** The option `retention`. */
export const retention = (): Option<RetentionPolicy | readonly RetentionRule[]> =>
  either(
    "'keep', 'deleteWhenSettled', { maxLength }, { maxAge } or a list of { streams, policy }",
    policy(),
    list(nested(RETENTION_RULE), 'a list of { streams, policy }'),
  );

/** What may go now. */
export interface TrimOrder {
  readonly policy: Exclude<RetentionPolicy, 'keep'>;
  /**
   * Groups that must be there: while one of them is missing nothing goes, as it will be back. One that
   * was deleted on purpose will not.
   */
  readonly groups: readonly string[];
}

/** What went. */
export interface Trimmed {
  /** Entries deleted. */
  readonly count: number;
  /** Those among them that some group had not settled. */
  readonly lost: number;
  /** The groups that had not. */
  readonly groups: readonly string[];
  /** There may be more to delete: this was one portion. */
  readonly more: boolean;
}

/** What a stream costs, and what stands before an id. `null`: not known. */
export interface StreamFootprint {
  /** Memory of the whole stream, bytes, estimated by the server. */
  readonly bytes: number | null;
  /** Entries before the id. */
  readonly before: number | null;
}

/**
 * Optional port: deletes what nobody needs any more.
 *
 * Safe to be deleted is what every group has settled: all before the oldest pending entry, or up to
 * the last delivered one where nothing is pending, of the group that is furthest behind. That is found
 * out in the same step as the deletion. What has been settled behind a pending entry may go too, where
 * the technology can tell. A stream without groups is left alone. Not its job: when, and
 * how often.
 */
export interface Retention {
  /** Deletes a portion, so small that the server is held up for a few ms at most. */
  trim(stream: string, order: TrimOrder): Promise<Trimmed>;
  /**
   * @param before the id that `StreamFootprint.before` counts to. Undefined: the beginning of the stream
   * @returns undefined where there is no such stream
   */
  footprint(stream: string, before: string | undefined): Promise<StreamFootprint | undefined>;
}

/** The policy of each stream. */
export type RetentionPolicies = (stream: string) => RetentionPolicy;

/** Compiles rules; a stream that none of them matches is kept. */
export function retentionPolicies(
  given: RetentionPolicy | readonly RetentionRule[],
): RetentionPolicies {
  if (!isRules(given)) return () => given;
  const rules = given.flatMap(({ streams, policy }) =>
    [streams].flat().map((pattern) => ({ matches: eventMatcher(pattern as string), policy })),
  );
  return (stream) => rules.find(({ matches }) => matches(stream))?.policy ?? 'keep';
}

const isRules = (
  given: RetentionPolicy | readonly RetentionRule[],
): given is readonly RetentionRule[] => Array.isArray(given);
