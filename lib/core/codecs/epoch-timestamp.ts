/** ISO 8601 from a field that holds milliseconds since the epoch. A missing field is `undefined`. */
export function isoFromEpoch(text: string | undefined, field: string): string | undefined {
  if (text === undefined) return undefined;
  const date = new Date(/^\d+$/.test(text) ? Number(text) : NaN);
  if (Number.isNaN(date.getTime())) {
    throw new TypeError(`field "${field}" is not a time in milliseconds: "${text.slice(0, 40)}"`);
  }
  return date.toISOString();
}
