/**
 * Stands in for `node:test`, so that the tests of the package in `sample/file-driver` run under vitest
 * as well, against the sources of this library.
 */
export { afterEach, beforeEach, describe, it } from 'vitest';
