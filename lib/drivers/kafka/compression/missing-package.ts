import { MissingPackageError } from '../../../core/errors/start-up.errors.js';

/** Codes of `import`, and of the `require` that bundlers write in its place. */
const NOT_FOUND: readonly (string | undefined)[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/**
 * The error of a package that is not installed. Returns the error as it is where the package is
 * installed, and lacks a package itself.
 * @param user what needs the package
 */
export function missingPackage(name: string, error: unknown, user: string): unknown {
  const isMissing =
    error instanceof Error &&
    NOT_FOUND.includes((error as NodeJS.ErrnoException).code) &&
    error.message.includes(`'${name}'`);
  return isMissing ? new MissingPackageError(name, user, error) : error;
}
