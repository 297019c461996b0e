/** What an action on messages says of those that it was to change: stream, group and filter. */
export const selected = (
  stream: string,
  which: { readonly group?: string },
): {
  readonly stream: string;
  readonly group?: string;
  readonly details: Readonly<Record<string, unknown>>;
} => ({
  stream,
  ...(which.group !== undefined && { group: which.group }),
  details: { ...which },
});
