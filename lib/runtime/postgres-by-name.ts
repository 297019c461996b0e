import { postgres } from '../drivers/postgres/postgres.driver.js';
import { registerDriver } from './slots/driver-names.js';

/** Slots may call the driver by its name where this file is imported: from its door, or `loadConfig`. */
registerDriver('postgres', postgres);
export { postgres };
