export { file } from './file.driver.js';
export type { FileOptions } from './file.options.js';
export { DamagedFileError, DirectoryInUseError } from './file.errors.js';
