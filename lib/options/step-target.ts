import { checked, either, nested, text } from '../core/option-schema/kinds.js';
import type { Option, Problems } from '../core/option-schema/option.js';
import { declareOptions } from '../core/option-schema/shape.js';
import { isWildcard } from '../core/routing.js';

/** What a message can be published under: a pattern is none. */
export const eventType = checked<string>(
  'one event type: a text that is not empty, without *',
  (value) => typeof value === 'string' && value !== '' && !isWildcard(value),
);

const TARGET = declareOptions('a step', {
  stream: text('the name of a stream'),
  event: eventType.required(),
});

/** Where a step goes: an event type, which routing sends to its stream, or one with its stream. */
export type StepTarget = string | { readonly stream: string; readonly event: string };

export const stepTarget = either(
  'one event type without *, or { stream, event }',
  eventType,
  nested(TARGET),
) as Option<StepTarget>;

/** Why this can be no target, as sentences. */
export const targetProblems = (target: unknown, what: string): Problems =>
  requiredTarget.problems(target, what);

const requiredTarget = stepTarget.required();

interface Target {
  readonly stream?: string;
  readonly event: string;
}

/** Stream and event type of a target without {@link targetProblems}. */
export const targetOf = (target: StepTarget): Target =>
  typeof target === 'string' ? { event: target } : target;
