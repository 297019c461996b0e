/**
 * A condition on the server. Each read, charge, extension or settlement under a guard checks it in
 * the same atomic step. A driver's ports make guards, for example `LeaseStore.guard`, and the same
 * driver checks them.
 */
export interface Guard {
  /** Where the value is kept, as the driver names it. */
  readonly key: string;
  /** The value that must stand there. Any other value, or none, refuses the step. */
  readonly value: string;
  /** Where given, `key` is a stream, and this entry has to be pending to the consumer `value`. */
  readonly pending?: { readonly group: string; readonly id: string };
}
