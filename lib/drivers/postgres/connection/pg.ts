import { createRequire } from 'node:module';
import type * as pg from 'pg';
import { MissingPackageError } from '../../../core/errors/start-up.errors.js';

/** What the driver uses of the package `pg`. */
export type Pg = Pick<typeof pg, 'Client' | 'Pool' | 'types'>;

/** Loads `pg`: an optional peer dependency, so nothing may load it before a driver is opened. */
export async function loadPg(load = (): Promise<typeof pg> => import('pg')): Promise<Pg> {
  try {
    const module: Partial<typeof pg> & { default?: Pg } = await load();
    // Bundlers such as webpack do not find the names of a CommonJS module: they give its default alone.
    return 'Pool' in module ? (module as Pg) : module.default!;
  } catch (error) {
    if (isMissing(error)) throw new MissingPackageError('pg', 'The PostgreSQL driver', error);
    throw error;
  }
}

/**
 * Looks for the package `pg` without loading it, so that a driver without it is refused when it is
 * opened. In a bundle the package may be a part of the bundle: there only loading tells.
 * @param place the file that would load the package
 * @throws MissingPackageError
 */
export function ensurePg(place: string = import.meta.url): void {
  if (!/\/connection\/pg\.[jt]s$/.test(place)) return;
  try {
    createRequire(place).resolve('pg');
  } catch (error) {
    if (isMissing(error)) throw new MissingPackageError('pg', 'The PostgreSQL driver', error);
    throw error;
  }
}

/** Codes of `import`, and of the `require` that bundlers write in its place. */
const NOT_FOUND: readonly (string | undefined)[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** False where `pg` is installed and lacks a package itself. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  NOT_FOUND.includes((error as NodeJS.ErrnoException).code) &&
  error.message.includes("'pg'");
