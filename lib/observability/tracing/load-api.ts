import type * as otel from '@opentelemetry/api';
import { createRequire } from 'node:module';
import { MissingPackageError } from '../../core/errors/start-up.errors.js';

const NAME = '@opentelemetry/api';

/** OpenTelemetry's API. All its copies in a process share one state, so it does not matter which is loaded. */
export type OtelApi = typeof otel;

/**
 * Loads OpenTelemetry's API when tracing is switched on: it is an optional peer dependency.
 * @throws MissingPackageError
 */
export function loadApi(load: (name: string) => unknown = createRequire(import.meta.url)): OtelApi {
  try {
    return load(NAME) as OtelApi;
  } catch (error) {
    if (isMissing(error)) throw new MissingPackageError(NAME, 'Tracing', error);
    throw error;
  }
}

/** False where the package is installed and lacks another one itself. */
const isMissing = (error: unknown): boolean =>
  error instanceof Error &&
  (error as NodeJS.ErrnoException).code === 'MODULE_NOT_FOUND' &&
  error.message.includes(`'${NAME}'`);
