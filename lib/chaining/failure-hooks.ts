import { InvalidInstructionError } from '../core/errors/handling.errors.js';
import { targetOf, targetProblem, type StepTarget } from '../core/workflow.js';
import type { Scope } from '../core/workflow-place.js';

/** The hooks alone: joins wait no more. */
export const hooksOf = (scopes: readonly Scope[]): readonly Scope[] =>
  scopes.filter(({ kind }) => kind === 'hook');

/** @throws InvalidInstructionError where the target can never be published to */
export function withHook(
  scopes: readonly Scope[],
  target: StepTarget | undefined,
): readonly Scope[] {
  if (target === undefined) return scopes;
  const problem = targetProblem(target, 'onFailure');
  if (problem !== undefined) throw new InvalidInstructionError(problem);
  const { event, stream } = targetOf(target);
  return [...scopes, { kind: 'hook', event, stream }];
}
