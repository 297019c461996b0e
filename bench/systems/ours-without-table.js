// @ts-check
import { withoutTable } from './switches.js';

withoutTable();

export { consume } from './ours.js';
