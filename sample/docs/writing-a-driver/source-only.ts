import type { DriverFactory } from 'nestjs-redis-streams/driver';
import { memory } from 'nestjs-redis-streams/memory';

/** A driver with the port `source` alone, which the memory driver lends here. */
export function sourceOnly(): DriverFactory {
  const lender = memory();
  return {
    technology: 'source-only',
    ids: lender.ids,
    open(context) {
      const { source, ids } = lender.open(context);
      return { source, ids };
    },
  };
}
