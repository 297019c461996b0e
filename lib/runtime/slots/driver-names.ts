import { UnknownDriverError } from '../../core/errors/slot.errors.js';
import { nearest } from '../../core/option-schema/wording.js';
import { memory } from '../../drivers/memory/memory.driver.js';
import type { NamedDriver, NamedDriverFactory, SlotName } from '../../options/slots-options.js';
import type { DriverFactory } from '../../ports/driver.js';

const own = new Map<string, NamedDriverFactory>([['memory', memory]]);

/** Makes a driver of this package known by its name. The door that brings the driver calls it. */
export function registerDriver(name: string, make: NamedDriverFactory): void {
  own.set(name, make);
}

/**
 * Makes the driver that a slot names.
 * @param others drivers of other packages, by their names
 * @throws UnknownDriverError, and what the driver refuses of its options
 */
export function driverByName(
  slot: SlotName,
  { driver, config = {} }: NamedDriver,
  others: Readonly<Record<string, NamedDriverFactory>>,
): DriverFactory {
  const known = new Map([...own, ...Object.entries(others)]);
  const make = known.get(driver);
  if (make) return make(config as never);
  const names = [...known.keys()];
  const meant = nearest(driver, names);
  const hint = meant === undefined ? `There are ${names.join(', ')}.` : `Did you mean ${meant}?`;
  throw new UnknownDriverError(slot, driver, hint);
}
