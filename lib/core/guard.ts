/**
 * What has to be as expected wherever something is read, charged, kept fresh or settled under it,
 * seen in the same atomic step. Made by a driver's ports, such as `LeaseStore.guard`, and handed back
 * to the same driver.
 */
export interface Guard {
  /** Where it is kept, as the driver names it. */
  readonly key: string;
  /** What has to stand there. Anything else, or nothing, refuses the step. */
  readonly value: string;
  /** Where given, `key` is a stream, and `value` the consumer to which this entry has to be pending. */
  readonly pending?: { readonly group: string; readonly id: string };
}
