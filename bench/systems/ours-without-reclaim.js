// @ts-check
import { withoutReclaim } from './switches.js';

withoutReclaim();

export { consume } from './ours.js';
