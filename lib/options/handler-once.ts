import {
  BATCH_OPTIONS,
  DEDUPE_OPTIONS,
  type BatchOptions,
  type HandlerOptions,
} from './handler-options.js';
import type { OncePolicy } from '../core/completion.js';
import type { HandlerDefinition } from './handler-definition.js';
import type { Completed } from '../core/declaring/shape.js';

/** What is decided about a handler's `dedupe` or `inbox`; undefined where it has none. */
export function resolveDedupe(given: HandlerOptions['dedupe']): OncePolicy | undefined {
  if (given === undefined || given === false) return undefined;
  if (given === true) return Object.freeze(DEDUPE_OPTIONS.complete({}));
  const options = typeof given === 'string' ? { key: given } : given;
  return Object.freeze(DEDUPE_OPTIONS.complete(options));
}

export const resolveBatch = (
  given: BatchOptions | undefined,
): Completed<typeof BATCH_OPTIONS> | undefined =>
  given && Object.freeze(BATCH_OPTIONS.complete(given));

/** What does not go together with the kind of handler that it is. */
export function kindProblems({ options, answers, invokeBatch }: HandlerDefinition): string[] {
  const problems: string[] = [];
  const set = (['dedupe', 'inbox', 'batch', 'orderBy'] as const).filter((name) => options[name]);
  if (answers) {
    problems.push(
      ...set.map((name) => `${name} is for events; what answers requests cannot have it`),
    );
  } else if (options.batch && !invokeBatch) {
    problems.push('batch needs @StreamHandler');
  }
  return problems;
}
