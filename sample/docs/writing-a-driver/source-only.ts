import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';

/** A driver with the port `source` alone, which the memory driver lends here. */
export function sourceOnly(): DriverFactory {
  const lender = memory();
  return {
    technology: 'source-only',
    open(context) {
      const { source } = lender.open(context);
      return { source };
    },
  };
}
