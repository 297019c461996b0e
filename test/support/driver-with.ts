import type { Driver, DriverContext, DriverFactory } from '../../lib/ports/driver.js';

/**
 * A driver of which a test changes a part: what `change` answers takes its place; what it does to the
 * ports themselves stays.
 */
export function driverWith(
  factory: DriverFactory,
  change: (driver: Driver, context: DriverContext) => Partial<Record<keyof Driver, unknown>> | void,
): DriverFactory {
  return {
    ...factory,
    open: (context) => {
      const driver = factory.open(context);
      return { ...driver, ...change(driver, context) } as Driver;
    },
  };
}
