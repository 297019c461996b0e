import type { Slots } from '../../options/slots-options.js';
import type { DriverFactory } from '../../ports/driver.js';

/** One driver in all three slots. */
export const inAllSlots = (driver: DriverFactory): Slots => ({
  messageSource: driver,
  stateStore: driver,
  deadLetterQueue: driver,
});
