// @ts-check
import { withoutFloor } from './switches.js';

withoutFloor();

/** As `ours-committing`, on a source that cannot tell how far a group is. */
export { consume } from './ours-committing.js';
