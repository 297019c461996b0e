// @ts-check
import { withoutHeartbeat, withoutReclaim, withoutTable } from './switches.js';

withoutHeartbeat();
withoutReclaim();
withoutTable();

export { consume } from './ours.js';
