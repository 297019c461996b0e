import type { Driver, DriverFactory } from '../../lib/core/driver.js';

/** A driver of which a test changes a part: what `change` answers takes its place. */
export function driverWith(
  factory: DriverFactory,
  change: (driver: Driver) => Partial<Record<keyof Driver, unknown>>,
): DriverFactory {
  return {
    ...factory,
    open: (context) => {
      const driver = factory.open(context);
      return { ...driver, ...change(driver) } as Driver;
    },
  };
}
