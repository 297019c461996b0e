import { InvalidInstructionError } from '../core/errors/handling.errors.js';
import { targetOf, targetProblems, type StepTarget } from '../options/step-target.js';
import type { Scope } from './workflow-place.js';

/** Keeps the hooks and drops the joins. */
export const hooksOf = (scopes: readonly Scope[]): readonly Scope[] =>
  scopes.filter(({ kind }) => kind === 'hook');

/** @throws InvalidInstructionError for a target that can never be published to */
export function withHook(
  scopes: readonly Scope[],
  target: StepTarget | undefined,
): readonly Scope[] {
  if (target === undefined) return scopes;
  const problems = targetProblems(target, 'onFailure');
  if (problems.length > 0) throw new InvalidInstructionError(problems.join('; '));
  const { event, stream } = targetOf(target);
  return [...scopes, { kind: 'hook', event, stream }];
}
