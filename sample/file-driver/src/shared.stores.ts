import { InvalidOptionsError } from 'nestjs-redis-streams/driver';
import { mkdirSync, realpathSync } from 'node:fs';
import { Store, type StoreOptions } from './store.js';

interface Shared {
  readonly store: Store;
  readonly options: StoreOptions;
  users: number;
}

/** By directory. Shared with other copies of this package in the process. */
const stores: Map<string, Shared> = ((globalThis as Record<symbol, unknown>)[
  Symbol.for('nestjs-redis-streams-file')
] ??= new Map<string, Shared>()) as Map<string, Shared>;

/**
 * The store of a directory: opened with its first driver, closed with its last one.
 * @throws InvalidOptionsError where it is open with another `sync` or `clock`
 */
export function sharedStore(options: StoreOptions): { store: Store; leave: () => Promise<void> } {
  mkdirSync(options.directory, { recursive: true });
  const directory = realpathSync(options.directory);
  const shared = stores.get(directory) ?? {
    store: new Store({ ...options, directory }),
    options,
    users: 0,
  };
  refuseOther(directory, shared.options, options);
  stores.set(directory, shared);
  shared.users++;
  let left = false;
  async function leave(): Promise<void> {
    if (left) return;
    left = true;
    if (--shared.users > 0) return;
    stores.delete(directory);
    shared.store.close();
  }
  return { store: shared.store, leave };
}

function refuseOther(directory: string, open: StoreOptions, given: StoreOptions): void {
  const problems = (['sync', 'clock'] as const)
    .filter((name) => open[name] !== given[name])
    .map(
      (name) =>
        `file: ${directory} is open in this process with another ${name}; give it the same one`,
    );
  if (problems.length > 0) throw new InvalidOptionsError(problems);
}
