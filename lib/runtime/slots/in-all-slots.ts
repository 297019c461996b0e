import type { Slots } from '../../options/slots-options.js';
import type { DriverFactory } from '../../ports/driver.js';

/** One driver in all three slots. */
export const inAllSlots = (driver: DriverFactory): Slots => ({
  messageSource: driver,
  stateStore: driver,
  deadLetterQueue: driver,
});

/**
 * One driver in the slots that are filled. Empty slots stay empty, so that a test refuses what the
 * application refuses.
 * @param slots what an application gives, checked or not
 */
export const inFilledSlots = (driver: DriverFactory, slots: Partial<Slots> | undefined): Slots => ({
  messageSource: driver,
  ...(slots?.stateStore && { stateStore: driver }),
  ...(slots?.deadLetterQueue && { deadLetterQueue: driver }),
});
