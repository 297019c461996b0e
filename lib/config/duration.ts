const UNITS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

const DURATION = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/;

/** What a file may write for a duration, as a pattern for editors. */
export const DURATION_PATTERN = DURATION.source;

/** The milliseconds of `250ms`, `5s`, `1.5m`, `2h` or `7d`. Undefined for any other text. */
export function millisecondsOf(text: string): number | undefined {
  const [, amount, unit] = DURATION.exec(text) ?? [];
  // 1.1 s would be 1100.0000000000002 ms.
  return unit === undefined ? undefined : Math.round(Number(amount) * UNITS[unit]! * 1e6) / 1e6;
}
