import type { BoundHandler } from '../../core/delivery.js';

export type OnceOption = 'dedupe' | 'inbox';
const ONCE_OPTIONS: readonly OnceOption[] = ['dedupe', 'inbox'];

/** A handler, and the pattern by which it was found. */
interface Found {
  readonly pattern: string;
  readonly handler: BoundHandler;
}

/** Under what a handler remembers what it has handled. Undefined: it does not. */
export function onceName({ pattern, handler }: Found, option: OnceOption): string | undefined {
  const once = handler[option];
  return once && (once.name ?? pattern);
}

/** What of two handlers would be remembered under one name. */
export function sharedOnceName(
  one: Found,
  other: Found,
): { readonly option: OnceOption; readonly name: string } | undefined {
  if (one.handler === other.handler) return undefined;
  for (const option of ONCE_OPTIONS) {
    const name = onceName(one, option);
    if (name !== undefined && name === onceName(other, option)) return { option, name };
  }
  return undefined;
}

/**
 * What version 0.1.0 had in the place of such a name: class and method, as the program that ran then
 * called them. Where several handlers are called so, its marks cannot be told apart, and are left alone.
 */
export class FormerNames {
  private readonly shared: Readonly<Record<OnceOption, ReadonlySet<string>>>;

  constructor(handlers: readonly BoundHandler[]) {
    this.shared = { dedupe: twice(handlers, 'dedupe'), inbox: twice(handlers, 'inbox') };
  }

  of({ name }: BoundHandler, option: OnceOption): string | undefined {
    return this.shared[option].has(name) ? undefined : name;
  }
}

function twice(handlers: readonly BoundHandler[], option: OnceOption): ReadonlySet<string> {
  const seen = new Set<string>();
  const found = new Set<string>();
  for (const handler of handlers) {
    if (!handler[option]) continue;
    if (seen.has(handler.name)) found.add(handler.name);
    seen.add(handler.name);
  }
  return found;
}
