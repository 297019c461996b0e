import type { Driver } from '../../ports/driver.js';

/** Ends a test as skipped. The message is the reason that the runner shows. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

/** Ends the test as skipped, with this reason. */
export function skip(reason: string): never {
  throw new Skipped(reason);
}

/** A port that a driver may leave out. */
export type OptionalPort = Exclude<keyof Driver, 'source' | 'unwrap'>;

/** A port of the driver. Ends the test as skipped where the driver has no such port. */
export function port<P extends OptionalPort>(driver: Driver, name: P): NonNullable<Driver[P]> {
  const found = driver[name];
  if (found != null) return found;
  return skip(`${driver.source.capabilities.technology} has no port \`${name}\``);
}
