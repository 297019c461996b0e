import { createRequire } from 'node:module';
import type * as yaml from 'yaml';
import { MissingPackageError } from '../core/errors/start-up.errors.js';

const NAME = 'yaml';

/**
 * Loads the parser when the first file is read: it is an optional peer dependency.
 * @throws MissingPackageError
 */
export function loadYaml(
  load: (name: string) => unknown = createRequire(import.meta.url),
): typeof yaml {
  try {
    return load(NAME) as typeof yaml;
  } catch (error) {
    if (isMissing(error)) throw new MissingPackageError(NAME, 'loadConfig', error);
    throw error;
  }
}

/** False where the package is installed and lacks another one itself. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' &&
  error.message.includes(`'${NAME}'`);
