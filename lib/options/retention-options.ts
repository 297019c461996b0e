import { either, flag, list, nested, oneOf, text, whole } from '../core/option-schema/kinds.js';
import type { Option } from '../core/option-schema/option.js';
import { declareOptions, type Given } from '../core/option-schema/shape.js';
import { eventMatcher } from '../core/routing.js';
import type { RetentionPolicy } from '../ports/retention.js';

const MAX_LENGTH = declareOptions('a policy with maxLength', {
  /** Most entries of the stream. */
  maxLength: whole(1).required(),
  /** Deletes also entries that some group has not settled yet. @default false */
  allowLoss: flag(),
});

const MAX_AGE = declareOptions('a policy with maxAge', {
  /** Longest time for which an entry is kept, in milliseconds. */
  maxAge: whole(1).duration().required(),
  /** Deletes also entries that some group has not settled yet. @default false */
  allowLoss: flag(),
});

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
  /** `'keep'`, `'deleteWhenSettled'`, `{ maxLength }` or `{ maxAge }`. */
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
