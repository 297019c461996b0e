import { AsyncLocalStorage } from 'node:async_hooks';
import type { RunContext } from './run.context.js';

interface Followed {
  /** Whose run it is: a method may call another one that is observed too. */
  readonly by: object;
  readonly context: RunContext;
}

/** Costs each promise of the process something from its first use on, so it is a last resort. */
const storage = new AsyncLocalStorage<Followed>();

/** Makes the call in such a way that {@link followed} knows its run, however late it is asked. */
export function follow<T>(by: object, context: RunContext, call: () => T): T {
  context.run.followed = true;
  return storage.run({ by, context }, call);
}

/** The run of `by` that the caller is part of, where it is followed. */
export function followed(by: object): RunContext | undefined {
  const current = storage.getStore();
  return current?.by === by ? current.context : undefined;
}
