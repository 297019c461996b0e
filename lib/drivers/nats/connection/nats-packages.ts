import { createRequire } from 'node:module';
import type * as jetstream from '@nats-io/jetstream';
import type * as kv from '@nats-io/kv';
import type * as transport from '@nats-io/transport-node';
import { MissingPackageError } from '../../../core/errors/start-up.errors.js';

/** The packages of NATS that the driver uses. */
export interface NatsPackages {
  readonly transport: typeof transport;
  readonly jetstream: typeof jetstream;
  readonly kv: typeof kv;
}

const NAMES = ['@nats-io/transport-node', '@nats-io/jetstream', '@nats-io/kv'] as const;
const USER = 'The NATS driver';

/** Imports each package. The names stand as texts here, so that bundlers find them. */
const IMPORTS = {
  transport: () => import('@nats-io/transport-node'),
  jetstream: () => import('@nats-io/jetstream'),
  kv: () => import('@nats-io/kv'),
};

/**
 * Loads the packages of NATS: optional peer dependencies, so nothing may load them before a driver is
 * opened.
 * @throws MissingPackageError
 */
export async function loadNats(imports: typeof IMPORTS = IMPORTS): Promise<NatsPackages> {
  const [transport, jetstream, kv] = await Promise.all([
    loaded(NAMES[0], imports.transport),
    loaded(NAMES[1], imports.jetstream),
    loaded(NAMES[2], imports.kv),
  ]);
  return { transport, jetstream, kv };
}

/**
 * Looks for the packages without loading them, so that a driver without them is refused when it is
 * opened. In a bundle they may be a part of the bundle: there only loading tells.
 * @param place the file that would load the packages
 * @throws MissingPackageError
 */
export function ensureNats(place: string = import.meta.url): void {
  if (!/\/connection\/nats-packages\.[jt]s$/.test(place)) return;
  const require = createRequire(place);
  for (const name of NAMES) {
    try {
      require.resolve(name);
    } catch (error) {
      throw missing(name, error);
    }
  }
}

async function loaded<T extends object>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    const module: T & { default?: T } = await load();
    // Bundlers such as webpack do not find the names of a CommonJS module: they give its default alone.
    return Object.keys(module).join() === 'default' ? module.default! : module;
  } catch (error) {
    throw missing(name, error);
  }
}

/** Codes of `import`, and of the `require` that bundlers write in its place. */
const NOT_FOUND: readonly (string | undefined)[] = ['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'];

/** The same error where the package is installed and lacks a package itself. */
function missing(name: string, error: unknown): unknown {
  const isMissing =
    error instanceof Error &&
    NOT_FOUND.includes((error as NodeJS.ErrnoException).code) &&
    error.message.includes(`'${name}'`);
  return isMissing ? new MissingPackageError(name, USER, error) : error;
}
