import { shown } from '../../core/option-schema/wording.js';
import { InvalidOptionsError } from '../../core/errors/start-up.errors.js';

/** Where a held entry is pending: in the stream, or among redriven messages of the group. */
export type HeldPlace = 's' | 'r';

/** The id of a held entry: it names the group, too. */
export const heldIdOf = (kind: HeldPlace, id: string, group: string): string =>
  `${kind}:${id}:${group}`;

/** Undefined: this is the id of no held entry. */
export function partsOfHeldId(
  heldId: string,
): { readonly kind: HeldPlace; readonly id: string; readonly group: string } | undefined {
  const parts = /^([sr]):(\d{1,20}-\d{1,20}):(.+)$/s.exec(heldId);
  return parts ? { kind: parts[1] as HeldPlace, id: parts[2]!, group: parts[3]! } : undefined;
}

/** @throws InvalidOptionsError for an invalid id */
export function refuseHeldIds(ids: readonly string[] = []): void {
  const problems = ids.flatMap((id, at) =>
    partsOfHeldId(id)
      ? []
      : [`ids[${at}] must be the heldId of a message on hold, not ${shown(id)}`],
  );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}
