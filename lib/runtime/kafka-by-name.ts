import { kafka } from '../drivers/kafka/kafka.driver.js';
import { registerDriver } from './slots/driver-names.js';

/** Slots may call the driver by its name where this file is imported: from its door, or `loadConfig`. */
registerDriver('kafka', kafka);
export { kafka };
