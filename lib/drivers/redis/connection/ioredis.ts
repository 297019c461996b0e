import type * as ioredis from 'ioredis';
import { MissingPackageError } from '../../../core/errors/start-up.errors.js';

/**
 * Loads the client library when the first connection is made. It is an optional peer dependency, so
 * the root door can be imported without it.
 * @throws MissingPackageError
 */
export async function loadIoredis(
  load = (): Promise<typeof ioredis> => import('ioredis'),
): Promise<Pick<typeof ioredis, 'Redis'>> {
  try {
    const module: Partial<typeof ioredis> & Pick<typeof ioredis, 'default'> = await load();
    // Bundlers such as webpack do not find the names of a CommonJS module: they give its default alone.
    return 'Redis' in module ? (module as typeof ioredis) : module.default;
  } catch (error) {
    if (isMissing(error)) throw new MissingPackageError('ioredis', 'The Redis driver', error);
    throw error;
  }
}

/** Codes of `import`, and of the `require` that bundlers write in its place. */
const NOT_FOUND: readonly (string | undefined)[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** False where ioredis is installed and lacks a package itself. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  NOT_FOUND.includes((error as NodeJS.ErrnoException).code) &&
  error.message.includes("'ioredis'");
