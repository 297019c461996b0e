import type { Slots } from 'nestjs-redis-streams';
import type { DriverFactory } from 'nestjs-redis-streams/driver';

/** One driver in all three slots. */
export const inAllSlots = (driver: DriverFactory): Slots => ({
  messageSource: driver,
  stateStore: driver,
  deadLetterQueue: driver,
});
