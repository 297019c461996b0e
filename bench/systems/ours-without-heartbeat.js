// @ts-check
import { withoutHeartbeat } from './switches.js';

withoutHeartbeat();

export { consume } from './ours.js';
