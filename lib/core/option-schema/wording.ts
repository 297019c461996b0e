/** Longest text that a message shows. Longer ones are cut. */
const LONGEST_SHOWN = 60;

/**
 * A value as messages show it. Texts have quotation marks, so that `"26000"` is seen to be a text.
 */
export function shown(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value.length > LONGEST_SHOWN
        ? `${JSON.stringify(value.slice(0, LONGEST_SHOWN))}…`
        : JSON.stringify(value);
    case 'function':
      return 'a function';
    case 'object':
      if (value === null) return 'null';
      if (isThenable(value)) return 'a promise: await it first';
      if (value instanceof Date) return isNaN(+value) ? 'an invalid Date' : value.toISOString();
      if (!Array.isArray(value)) return 'an object';
      return value.length === 0 ? 'an empty list' : 'a list';
    default:
      return String(value);
  }
}

export const isThenable = (value: object): boolean =>
  'then' in value && typeof value.then === 'function';

/** The known name that was probably meant. Undefined where none is similar. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const most = Math.max(1, Math.floor(name.length / 3));
  return known
    .map((candidate) => ({ candidate, steps: distance(name, candidate) }))
    .filter(({ steps }) => steps <= most)
    .sort((a, b) => a.steps - b.steps)[0]?.candidate;
}

/**
 * How many letters to insert, delete, replace or swap with their neighbour until both are the same.
 * Case does not count.
 */
function distance(left: string, right: string): number {
  const [a, b] = [left.toLowerCase(), right.toLowerCase()];
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let row = 1; row <= a.length; row++) {
    const [previous, swapped] = [rows[row - 1]!, rows[row - 2]];
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      const isSwap = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      current[column] = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + (same ? 0 : 1),
        swapped && isSwap ? swapped[column - 2]! + 1 : Infinity,
      );
    }
    rows.push(current);
  }
  return rows[a.length]![b.length]!;
}
