import type { AnyOption } from '../core/option-schema/option.js';
import { millisecondsOf } from './duration.js';
import type { FileScalar } from './file-node.js';
import { interpolate, resolved, type Variables } from './interpolate.js';

/** What a file can write without parts. */
export type Scalar = string | number | boolean | null;

/**
 * What a scalar may be. A text with variables is a text, or what the text would be without quotation
 * marks: the option decides.
 */
export function scalarValues(
  { value }: FileScalar,
  variables: Variables,
): { readonly values: readonly Scalar[]; readonly problems: readonly string[] } {
  if (typeof value !== 'string') return { values: [value], problems: [] };
  const { text, changed, problems } = interpolate(value, variables);
  return { values: changed ? [text, resolved(text)] : [text], problems };
}

/** The first of these values that the option accepts, as code would give it. */
export function accepted({ kind }: AnyOption, values: readonly Scalar[]): unknown {
  if (kind.form?.is === 'either') {
    return kind.form.alternatives
      .map((alternative) => accepted(alternative, values))
      .find((value) => value !== undefined);
  }
  return values
    .map((value) =>
      kind.form?.is === 'duration' && typeof value === 'string' ? millisecondsOf(value) : value,
    )
    .find((value) => value !== undefined && kind.accepts(value));
}
