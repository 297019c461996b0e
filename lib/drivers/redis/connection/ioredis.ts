import { MissingPackageError } from '../../../core/errors/start-up.errors.js';

/**
 * Loads the client library, an optional peer dependency, when the first connection is made. So the
 * root door can be imported without it.
 * @throws MissingPackageError
 */
export async function loadIoredis(): Promise<Pick<typeof import('ioredis'), 'Redis'>> {
  try {
    return await import('ioredis');
  } catch (error) {
    if (isMissing(error)) throw new MissingPackageError('ioredis', 'The Redis driver', error);
    throw error;
  }
}

/** False where ioredis itself lacks a package. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  (error as NodeJS.ErrnoException).code === 'ERR_MODULE_NOT_FOUND' &&
  error.message.includes("'ioredis'");
